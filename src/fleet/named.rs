//! Closed sets of names, and the names that a newer Coder may add to them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use super::agent::Label;

/// A closed set of values that appear as a label.
pub trait Variants: Copy + Eq + 'static {
    /// All of them, in the order in which they are shown.
    const ALL: &'static [Self];

    /// The name on the wire.
    fn as_str(self) -> &'static str;
}

/// A value of one of Coder's database enums: one this program knows, or one of a Coder newer
/// than this program, under its own name (`docs/spec/coder-schema.md`: never an error).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named<V> {
    /// A value with a meaning here.
    Known(V),
    /// Any other text; NULL is `unknown`.
    Other(Label),
}

impl<V: Variants> Named<V> {
    /// Reads a column cast to text; never fails.
    pub fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or("unknown");
        V::ALL
            .iter()
            .find(|known| known.as_str() == text)
            .map_or_else(|| Self::Other(text.into()), |&known| Self::Known(known))
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::Other(name) => name,
        }
    }
}

/// How many there are of each: zero for every known value that never came up, and nothing
/// for the unheard-of ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts<V> {
    known: Vec<u64>,
    other: BTreeMap<Label, u64>,
    values: PhantomData<V>,
}

impl<V: Variants> Default for Counts<V> {
    fn default() -> Self {
        Self {
            known: vec![0; V::ALL.len()],
            other: BTreeMap::new(),
            values: PhantomData,
        }
    }
}

impl<V: Variants> Counts<V> {
    /// Counts `more` of a value this program knows.
    pub fn add(&mut self, value: V, more: u64) {
        let index = V::ALL.iter().position(|&it| it == value);
        if let Some(count) = index.and_then(|index| self.known.get_mut(index)) {
            *count += more;
        }
    }

    /// Counts `more` of a value, known or not.
    pub fn add_named(&mut self, value: &Named<V>, more: u64) {
        match value {
            Named::Known(known) => self.add(*known, more),
            Named::Other(name) => *self.other.entry(name.clone()).or_default() += more,
        }
    }

    /// Every known value with its count, then the others by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = V::ALL.iter().map(|it| it.as_str());
        let other = self.other.iter().map(|(name, &count)| (&**name, count));
        known.zip(self.known.iter().copied()).chain(other)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::agent::{Kind, Lifecycle};
    use super::super::app::AppHealth;
    use super::super::health::Health;
    use super::super::status::Status;
    use super::*;

    fn names_read_back<V: Variants + std::fmt::Debug>() {
        for &known in V::ALL {
            assert_eq!(Named::parse(Some(known.as_str())), Named::Known(known));
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
        let later = Named::<Lifecycle>::parse(Some("hibernating"));
        assert_eq!(later.as_str(), "hibernating");
        assert_eq!(Named::<Lifecycle>::parse(None).as_str(), "unknown");
    }

    #[test]
    fn what_never_came_up_counts_zero_and_the_unheard_of_comes_last() {
        let mut counts = Counts::<AppHealth>::default();
        counts.add(AppHealth::Healthy, 2);
        counts.add_named(&Named::parse(Some("degraded")), 3);
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
