//! Enums of label values, and values that a newer Coder may add to its own enums.

use std::collections::BTreeMap;
use std::str::FromStr;

use enum_map::{Enum, EnumMap};
use strum::VariantArray;

use crate::fleet::model::agent::Label;

/// A closed set of label values. Every enum that derives [`VariantArray`] and
/// [`IntoStaticStr`](strum::IntoStaticStr) implements it. There is no manual implementation, so no
/// value can be left out.
pub trait Variants: Copy + Eq + VariantArray + Into<&'static str> {
    /// All values, in the order of declaration, which is also the order of display.
    const ALL: &'static [Self] = Self::VARIANTS;

    /// The value in labels, JSON and settings.
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<V: Copy + Eq + VariantArray + Into<&'static str>> Variants for V {}

/// A value of one of Coder's database enums: a known one, or the text of one that a newer Coder has
/// added (`docs/spec/coder-schema.md`: it is never an error).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DbEnum<V> {
    /// A value that this program knows.
    Known(V),
    /// Any other text. NULL is `unknown`.
    Other(Label),
}

impl<V: Variants + FromStr> DbEnum<V> {
    /// Parses a column that was cast to text. Never fails.
    pub fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or("unknown");
        text.parse()
            .map_or_else(|_| Self::Other(text.into()), Self::Known)
    }
}

impl<V: Variants> DbEnum<V> {
    /// The value in labels and JSON; Coder's own text for an unknown value.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::Other(name) => name,
        }
    }
}

/// A closed set whose values are counted. It also derives [`Enum`].
pub trait Counted: Variants + Enum<Array<u64>: Clone> {}

impl<V: Variants + Enum<Array<u64>: Clone>> Counted for V {}

/// A count for each value: known values start at zero, other values appear when they are counted.
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
    /// Adds to the count of a known value.
    pub fn add(&mut self, value: V, more: u64) {
        self.known[value] += more;
    }

    /// Adds to the count of a known or unknown value.
    pub fn add_named(&mut self, value: &DbEnum<V>, more: u64) {
        match value {
            DbEnum::Known(known) => self.add(*known, more),
            DbEnum::Other(name) => *self.other.entry(name.clone()).or_default() += more,
        }
    }

    /// All known values with their counts, then the other values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.known.iter().map(|(it, &count)| (it.as_str(), count));
        let other = self.other.iter().map(|(name, &count)| (&**name, count));
        known.chain(other)
    }

    /// The sum of all counts.
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
                ("unknown", 0),
                ("degraded", 3)
            ]
        );
        assert_eq!(counts.total(), 5);
    }
}
