//! Histograms of current values, with classic and native buckets.

use std::collections::BTreeMap;

/// Resolution of native buckets: eight for each power of two, so each is 9 % wider than the
/// previous one. Ages are compared with a timeout, and 9 % of it is less than the normal spread of
/// heartbeats.
const FINEST_SCHEMA: i32 = 3;

/// Maximum number of native buckets; the resolution is halved until they fit. This is the default
/// of client libraries. At the finest resolution it covers 20 powers of two: 0.3 ms to 5 min.
const MOST_NATIVE_BUCKETS: usize = 160;

/// Zero threshold of native histograms: one millisecond, below which values are clock noise.
const ZERO_THRESHOLD: f64 = 0.001;

/// A histogram with classic and native buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
    zeros: u64,
    native: BTreeMap<i32, u64>,
}

/// Native buckets in Prometheus' encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeBuckets {
    /// Resolution: 2^schema buckets for each power of two.
    pub schema: i32,
    /// Number of values in the zero bucket.
    pub zero_count: u64,
    /// Spans of consecutive buckets: the gap before the span, and its length.
    pub spans: Vec<(i32, u32)>,
    /// The count of each bucket minus the count of the previous one.
    pub deltas: Vec<i64>,
}

impl Histogram {
    /// An empty histogram with classic buckets up to each of these ascending bounds.
    pub fn new(bounds: &[f64]) -> Self {
        Self {
            bounds: bounds.to_vec(),
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
            zeros: 0,
            native: BTreeMap::new(),
        }
    }

    /// Adds a value. Negative values count as zero.
    pub fn observe(&mut self, value: f64) {
        let value = value.max(0.0);
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += value;
        if value <= ZERO_THRESHOLD {
            self.zeros += 1;
        } else {
            *self.native.entry(native_index(value)).or_default() += 1;
        }
    }

    /// Sum of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Number of values that were added.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Classic buckets: upper bound and count of each bucket alone. The last bound is +Inf.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied())
    }

    /// Values up to this are in the zero bucket.
    pub const fn zero_threshold() -> f64 {
        ZERO_THRESHOLD
    }

    /// Native buckets, at the finest resolution that does not exceed the maximum number.
    pub fn native(&self) -> NativeBuckets {
        let (schema, buckets) = coarsened(&self.native);
        let mut spans: Vec<(i32, u32)> = Vec::new();
        let mut deltas = Vec::with_capacity(buckets.len());
        let mut previous_count = 0_i64;
        let mut next_index = 0;
        for (index, count) in buckets {
            match spans.last_mut() {
                Some((_, length)) if index == next_index => *length += 1,
                _ => spans.push((index - next_index, 1)),
            }
            next_index = index + 1;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            deltas.push(count - previous_count);
            previous_count = count;
        }
        NativeBuckets {
            schema,
            zero_count: self.zeros,
            spans,
            deltas,
        }
    }
}

/// The index of the bucket for `value` at the finest resolution. The upper bound of bucket i is
/// 2^(i / 2^schema).
fn native_index(value: f64) -> i32 {
    let index = (value.log2() * f64::from(1 << FINEST_SCHEMA)).ceil();
    // The cast stops at the ends of the range; +Inf gets the last bucket there is.
    index as i32
}

/// Merges neighbouring buckets until the maximum is not exceeded. Returns the schema and the
/// buckets.
fn coarsened(finest: &BTreeMap<i32, u64>) -> (i32, BTreeMap<i32, u64>) {
    let mut schema = FINEST_SCHEMA;
    let mut buckets = finest.clone();
    while buckets.len() > MOST_NATIVE_BUCKETS {
        schema -= 1;
        let mut joined: BTreeMap<i32, u64> = BTreeMap::new();
        for (index, count) in buckets {
            // Buckets 2i - 1 and 2i become bucket i.
            *joined.entry((index + 1).div_euclid(2)).or_default() += count;
        }
        buckets = joined;
    }
    (schema, buckets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn value_on_a_bound_belongs_to_the_bucket_it_ends() {
        let mut histogram = Histogram::new(&[10.0, 20.0]);
        for value in [-1.0, 10.0, 10.1, 20.0, 20.1] {
            histogram.observe(value);
        }
        let counts: Vec<_> = histogram.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 2, 1]);
        assert_eq!(histogram.count(), 5);
        assert!((histogram.sum() - 60.2).abs() < 1e-9);
    }

    #[test]
    fn native_buckets_of_one_and_two_lie_a_doubling_apart() {
        let mut histogram = Histogram::new(&[]);
        for value in [1.0, 1.0, 2.0, 0.0] {
            histogram.observe(value);
        }
        let native = histogram.native();
        assert_eq!(native.schema, 3);
        assert_eq!(native.zero_count, 1);
        assert_eq!(native.spans, [(0, 1), (7, 1)]);
        assert_eq!(native.deltas, [2, -1]);
    }

    proptest! {
        #[test]
        fn native_buckets_are_few_and_lose_no_value(
            values in prop::collection::vec(0.0..1e9_f64, 0..2000),
        ) {
            let mut histogram = Histogram::new(&[1.0, 30.0]);
            values.iter().for_each(|&value| histogram.observe(value));
            let native = histogram.native();
            prop_assert!(native.deltas.len() <= MOST_NATIVE_BUCKETS);
            let lengths: u32 = native.spans.iter().map(|(_, length)| length).sum();
            prop_assert_eq!(lengths as usize, native.deltas.len());
            let (mut count, mut total) = (0, 0);
            for delta in &native.deltas {
                count += delta;
                prop_assert!(count > 0);
                total += count;
            }
            prop_assert_eq!(total as u64 + native.zero_count, values.len() as u64);
            prop_assert_eq!(histogram.count(), values.len() as u64);
        }
    }
}
