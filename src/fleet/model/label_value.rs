//! Enums of label values, and values that a newer Coder may add to its own enums.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use enum_map::{Enum, EnumMap};
use parking_lot::RwLock;
use strum::VariantArray;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DbEnum<V> {
    /// A value that this program knows.
    Known(V),
    /// Any other text. NULL is `unknown`.
    Other(OtherName),
}

/// The text of a value that this program does not know: its place among all such texts that this
/// process has read. An agent has two enums, and a text in each would take a tenth of its room.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OtherName(u16);

/// They stay in memory until the process ends. An enum of a later Coder adds a handful.
static OTHER_NAMES: OtherNames = OtherNames(RwLock::new(Vec::new()));

/// Texts that are kept. All that come after them are [`BEYOND`].
const MOST_OTHER_NAMES: usize = 1000;

/// Bytes that are kept of a text: Postgres itself allows the label of an enum 63.
const LONGEST_OTHER_NAME: usize = 64;

/// The text of a value that came after too many others.
const BEYOND: &str = "other";

struct OtherNames(RwLock<Vec<&'static str>>);

impl OtherNames {
    fn place_of(&self, text: &str) -> OtherName {
        let text = &text[..text.floor_char_boundary(LONGEST_OTHER_NAME)];
        let find = |names: &[&str]| names.iter().position(|it| *it == text);
        let known = find(&self.0.read());
        let place = known.unwrap_or_else(|| {
            let mut names = self.0.write();
            find(&names).unwrap_or_else(|| {
                if names.len() < MOST_OTHER_NAMES {
                    names.push(Box::leak(text.into()));
                    names.len() - 1
                } else {
                    MOST_OTHER_NAMES
                }
            })
        });
        OtherName(place as u16)
    }

    fn get(&self, name: OtherName) -> &'static str {
        let names = self.0.read();
        names.get(usize::from(name.0)).copied().unwrap_or(BEYOND)
    }
}

impl OtherName {
    /// The text.
    pub fn as_str(self) -> &'static str {
        OTHER_NAMES.get(self)
    }
}

impl fmt::Debug for OtherName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Ord for OtherName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for OtherName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<V: Variants + FromStr> DbEnum<V> {
    /// Parses a column that was cast to text. Never fails.
    pub fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or("unknown");
        text.parse()
            .map_or_else(|_| Self::Other(OTHER_NAMES.place_of(text)), Self::Known)
    }
}

impl<V: Variants> DbEnum<V> {
    /// The value in labels and JSON; Coder's own text for an unknown value.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::Other(name) => name.as_str(),
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
    other: BTreeMap<OtherName, u64>,
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
            DbEnum::Other(name) => *self.other.entry(*name).or_default() += more,
        }
    }

    /// All known values with their counts, then the other values by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let known = self.known.iter().map(|(it, &count)| (it.as_str(), count));
        let other = self.other.iter().map(|(it, &count)| (it.as_str(), count));
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
    fn texts_without_end_take_no_memory_without_end() {
        let names = OtherNames(RwLock::default());
        let places: Vec<_> = (0..=MOST_OTHER_NAMES)
            .map(|it| names.place_of(&format!("value-{it:04}")))
            .collect();
        assert_eq!(names.get(places[7]), "value-0007");
        assert_eq!(names.get(places[MOST_OTHER_NAMES]), BEYOND);
        // What was known before is still known.
        assert_eq!(names.place_of("value-0007"), places[7]);
        assert_eq!(names.0.read().len(), MOST_OTHER_NAMES);
    }

    #[test]
    fn text_of_any_length_is_cut() {
        let long = "é".repeat(LONGEST_OTHER_NAME);
        let long = DbEnum::<Lifecycle>::parse(Some(&long));
        assert_eq!(long.as_str().len(), LONGEST_OTHER_NAME);
    }

    #[test]
    fn other_values_are_in_the_order_of_their_texts() {
        let of = |text| DbEnum::<Lifecycle>::parse(Some(text));
        let (later, earlier) = (of("napping"), of("dozing"));
        assert!(earlier < later);
        assert!(of("ready") < earlier);
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
