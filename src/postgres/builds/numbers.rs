//! Values that many rows share, each stored once.

use std::collections::HashMap;
use std::hash::Hash;

/// Distinct values, numbered in the order in which they came.
#[derive(Debug)]
pub(in crate::postgres) struct Numbers<T> {
    list: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    /// The number of a value, a new one if it has none.
    pub(super) fn of(&mut self, value: T) -> u32 {
        if let Some(&known) = self.numbers.get(&value) {
            return known;
        }
        // There are no more values than rows: the cast never cuts anything off.
        let number = self.list.len() as u32;
        self.list.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    /// The value with this number.
    pub(in crate::postgres) fn get(&self, number: u32) -> Option<&T> {
        self.list.get(number as usize)
    }

    /// All values, in the order of their numbers.
    pub(in crate::postgres) fn all(&self) -> &[T] {
        &self.list
    }

    /// The same, where no value will be numbered any more: half of the memory.
    pub(super) fn into_all(self) -> Vec<T> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut numbers = Numbers::default();
        assert_eq!(["a", "b", "a"].map(|it| numbers.of(it)), [0, 1, 0]);
        assert_eq!((numbers.get(1), numbers.get(2)), (Some(&"b"), None));
        assert_eq!(numbers.all(), ["a", "b"]);
    }
}
