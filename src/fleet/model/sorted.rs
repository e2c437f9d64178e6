//! Looks up ids in sorted lists.

use uuid::Uuid;

/// Guesses that are made before the neighbours are tried.
const GUESSES: usize = 2;

/// Neighbours that are tried at first; twice as many each time after.
const FIRST_STEP: usize = 4;

/// The index of the item with this id, in a list that is sorted by `id_of`.
///
/// Coder's ids are random, so an id lies at about its share of the list. Two guesses come within some
/// places of it, where halving a list of a million reads twenty places all over it. Where ids are not
/// random, it takes about twice as many steps as halving.
pub fn find_by_id<T>(list: &[T], id: Uuid, id_of: impl Fn(&T) -> Uuid) -> Option<usize> {
    let last = list.len().checked_sub(1)?;
    let number = |id: Uuid| i128::from((id.as_u128() >> 64) as u64);
    let places = |distance: i128| (distance * list.len() as i128) >> 64;
    let mut guess = 0;
    for _ in 0..=GUESSES {
        let distance = number(id) - number(id_of(list.get(guess)?));
        let better = guess as i128 + places(distance);
        guess = better.clamp(0, last as i128) as usize;
    }
    let (low, high) = around(list, guess, |it| id_of(it) < id);
    let found = list.get(low..high)?.binary_search_by_key(&id, id_of).ok()?;
    Some(low + found)
}

/// Bounds that the first item lies between which is not before what is sought.
fn around<T>(list: &[T], guess: usize, is_before: impl Fn(&T) -> bool) -> (usize, usize) {
    let is_before = |at: usize| list.get(at).is_some_and(&is_before);
    let (mut low, mut high, mut step) = (guess, guess, FIRST_STEP);
    if is_before(guess) {
        while high < list.len() && is_before(high) {
            low = high;
            high += step;
            step *= 2;
        }
    } else {
        while low > 0 && !is_before(low) {
            high = low;
            low = low.saturating_sub(step);
            step *= 2;
        }
    }
    (low, (high + 1).min(list.len()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use proptest::prelude::*;

    use super::*;

    fn find(list: &[u128], id: u128) -> Option<usize> {
        find_by_id(list, Uuid::from_u128(id), |it| Uuid::from_u128(*it))
    }

    proptest! {
        #[test]
        fn finds_what_halving_finds(
            mut list in prop::collection::vec(any::<u128>(), 0..300),
            more in prop::collection::vec(0_u128..100, 0..300),
            other in any::<u128>(),
        ) {
            // Random ids, and such as lie close together at either end.
            list.extend(more.iter().flat_map(|it| [*it, u128::MAX - it]));
            list.sort_unstable();
            list.dedup();
            for sought in list.iter().copied().chain([other, 0, 50, u128::MAX]) {
                prop_assert_eq!(find(&list, sought), list.binary_search(&sought).ok());
            }
        }
    }

    #[test]
    fn random_ids_are_found_in_a_few_steps() {
        let random = |number: u64| {
            let mut hasher = DefaultHasher::new();
            number.hash(&mut hasher);
            u128::from(hasher.finish()) << 64
        };
        let mut list: Vec<u128> = (0..100_000).map(random).collect();
        list.sort_unstable();
        let reads = Cell::new(0);
        for sought in list.iter().step_by(100) {
            let read = |it: &u128| {
                reads.set(reads.get() + 1);
                Uuid::from_u128(*it)
            };
            let found = find_by_id(&list, Uuid::from_u128(*sought), read);
            assert_eq!(found, list.binary_search(sought).ok());
        }
        // Halving reads 17.
        assert!(reads.get() < 14 * 1000, "{}", reads.get());
    }
}
