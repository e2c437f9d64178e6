//! Closed sets of names, and the names that a newer Coder may add to them.

use std::collections::BTreeMap;
use std::str::FromStr;

use enum_map::{Enum, EnumMap};
use strum::VariantArray;

use crate::fleet::model::agent::Label;

/// A closed set of values that appear as a label: every enum that derives [`VariantArray`] and
/// [`IntoStaticStr`](strum::IntoStaticStr). It is never implemented by hand, so that no value can
/// be left out.
pub trait Variants: Copy + Eq + VariantArray + Into<&'static str> {
    /// All of them, in the order in which they are declared and shown.
    const ALL: &'static [Self] = Self::VARIANTS;

    /// The name on the wire.
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<V: Copy + Eq + VariantArray + Into<&'static str>> Variants for V {}

/// A value of one of Coder's database enums: one this program knows, or one of a Coder newer
/// than this program, under its own name (`docs/spec/coder-schema.md`: never an error).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DbEnum<V> {
    /// A value with a meaning here.
    Known(V),
    /// Any other text; NULL is `unknown`.
    Other(Label),
}

impl<V: Variants + FromStr> DbEnum<V> {
    /// Reads a column cast to text; never fails.
    pub fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or("unknown");
        text.parse()
            .map_or_else(|_| Self::Other(text.into()), Self::Known)
    }
}

impl<V: Variants> DbEnum<V> {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::Other(name) => name,
        }
    }
}

/// A closed set whose values are counted: it derives [`Enum`], too.
pub trait Counted: Variants + Enum<Array<u64>: Clone> {}

impl<V: Variants + Enum<Array<u64>: Clone>> Counted for V {}

/// How many there are of each: zero for every known value that never came up, and nothing
/// for the unheard-of ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountByLabel<V: Counted> {
    known: EnumMap<V, u64>,
    other: BTreeMap<Label, u64>,
}

impl<V: Counted> Default for CountByLabel<V> {
    fn default() -> Self {
        Self {
            known: EnumMap::default(),
            other: BTreeMap::new(),
        }
    }
}

impl<V: Counted> CountByLabel<V> {
    /// Counts `more` of a value this program knows.
    pub fn add(&mut self, value: V, more: u64) {
        self.known[value] += more;
    }

    /// Counts `more` of a value, known or not.
    pub fn add_named(&mut self, value: &DbEnum<V>, more: u64) {
        match value {
            DbEnum::Known(known) => self.add(*known, more),
            DbEnum::Other(name) => *self.other.entry(name.clone()).or_default() += more,
        }
    }

    /// Every known value with its count, then the others by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.known.iter().map(|(it, &count)| (it.as_str(), count));
        let other = self.other.iter().map(|(name, &count)| (&**name, count));
        known.chain(other)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::model::agent::{Kind, Lifecycle};
    use crate::fleet::model::app::AppHealth;
    use crate::fleet::rules::health::Health;
    use crate::fleet::rules::status::Status;

    fn names_read_back<V: Variants + FromStr + std::fmt::Debug>() {
        for &known in V::ALL {
            assert_eq!(DbEnum::parse(Some(known.as_str())), DbEnum::Known(known));
        }
    }

    #[test]
    fn every_known_value_reads_back_from_its_name() {
        names_read_back::<Kind>();
        names_read_back::<Lifecycle>();
        names_read_back::<AppHealth>();
        names_read_back::<Status>();
        names_read_back::<Health>();
    }

    #[test]
    fn value_of_a_later_coder_keeps_its_name_and_null_is_unknown() {
        let later = DbEnum::<Lifecycle>::parse(Some("hibernating"));
        assert_eq!(later.as_str(), "hibernating");
        assert_eq!(DbEnum::<Lifecycle>::parse(None).as_str(), "unknown");
    }

    #[test]
    fn what_never_came_up_counts_zero_and_the_unheard_of_comes_last() {
        let mut counts = CountByLabel::<AppHealth>::default();
        counts.add(AppHealth::Healthy, 2);
        counts.add_named(&DbEnum::parse(Some("degraded")), 3);
        let found: Vec<_> = counts.iter().collect();
        assert_eq!(
            found,
            [
                ("disabled", 0),
                ("initializing", 0),
                ("healthy", 2),
                ("unhealthy", 0),
                ("degraded", 3)
            ]
        );
        assert_eq!(counts.total(), 5);
    }
}
