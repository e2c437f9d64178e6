//! The id of an incident: the same on every exporter and after a restart, as long as it lasts and
//! when it comes back.

use std::fmt;
use std::str::FromStr;

use ring::digest::{Context, SHA256};

use crate::fleet::model::label_value::Variants;
use crate::incident::model::Incident;

/// Sixteen digits that follow from kind, family, factor and value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncidentId(u64);

/// A pattern that matches ids only.
pub const PATTERN: &str = "^[0-9a-f]{16}$";

impl Incident {
    /// Its id.
    pub fn id(&self) -> IncidentId {
        let mut digest = Context::new(&SHA256);
        let factor = self.common.factor();
        let parts = [self.kind.as_str(), self.family.as_str(), &*factor];
        for part in parts.into_iter().chain([self.common.value()]) {
            // No name has a zero byte: Postgres cannot store one.
            digest.update(part.as_bytes());
            digest.update(&[0]);
        }
        let digest = digest.finish();
        let bytes = digest.as_ref().first_chunk().copied();
        IncidentId(u64::from_be_bytes(bytes.unwrap_or_default()))
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What is no id of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoIncidentId;

impl FromStr for IncidentId {
    type Err = NoIncidentId;

    fn from_str(text: &str) -> Result<Self, NoIncidentId> {
        let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        let is_id = text.len() == 16 && text.bytes().all(is_digit);
        let number = u64::from_str_radix(text, 16);
        number.ok().filter(|_| is_id).map(Self).ok_or(NoIncidentId)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::fleet::model::agent::Kind;
    use crate::incident::advice::tests::{every_common, incident};
    use crate::incident::population::Family;

    #[test]
    fn each_identity_has_its_own_id_and_keeps_it() {
        let mut ids = BTreeSet::new();
        let mut all = 0;
        for kind in [Kind::Root, Kind::Prebuild] {
            for &family in Family::ALL {
                for common in every_common() {
                    let mut one = incident(kind, family, common);
                    let id = one.id();
                    (one.members, one.score) = (vec![1, 2, 3], 7.0);
                    assert_eq!(one.id(), id, "it does not depend on its agents");
                    ids.insert(id);
                    all += 1;
                }
            }
        }
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn id_is_the_same_in_every_release() {
        let one = incident(Kind::Root, Family::Lost, every_common()[0].clone());
        assert_eq!(one.id().to_string(), "cd677ecfd6adbe54");
    }

    proptest! {
        #[test]
        fn id_reads_back_and_nothing_else_is_read(number in any::<u64>(), text in "[0-9a-fA-F+-]{15,17}") {
            let id = IncidentId(number);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            if let Ok(id) = text.parse::<IncidentId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
