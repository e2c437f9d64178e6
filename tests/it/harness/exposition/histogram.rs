//! What the samples of a histogram owe each other.

use std::collections::BTreeMap;

use super::{Family, Sample};

type Labels = BTreeMap<String, String>;

/// Checks every histogram of the family: its samples stand together, buckets with ascending
/// bounds and counts that never fall, then a count that is that of the last bucket, and a sum.
pub(super) fn check(family: &Family) -> Result<(), String> {
    let mut rest = family.samples.as_slice();
    while let Some(first) = rest.first() {
        let labels = without_bound(first);
        let same = |it: &&Sample| without_bound(it) == labels;
        let (one, others) = rest.split_at(rest.iter().take_while(same).count());
        check_one(one).map_err(|problem| format!("{} with {labels:?}: {problem}", family.name))?;
        rest = others;
    }
    Ok(())
}

fn without_bound(sample: &Sample) -> Labels {
    let mut labels = sample.labels.clone();
    labels.remove("le");
    labels
}

fn check_one(samples: &[Sample]) -> Result<(), String> {
    let is_bucket = |it: &&Sample| it.name.ends_with("_bucket");
    let (buckets, totals) = samples.split_at(samples.iter().take_while(is_bucket).count());
    let mut last = (f64::NEG_INFINITY, 0.0);
    for bucket in buckets {
        let (bound, count) = (bound(bucket)?, bucket.value);
        if bound <= last.0 {
            return Err(format!("the bound {bound} does not ascend"));
        }
        if count < last.1 {
            return Err(format!(
                "the bucket up to {bound} counts less than the last"
            ));
        }
        last = (bound, count);
    }
    if last.0 != f64::INFINITY {
        return Err("no bucket up to +Inf".into());
    }
    let [count, sum] = totals else {
        return Err("not exactly a count and a sum after the buckets".into());
    };
    if !count.name.ends_with("count") || !sum.name.ends_with("sum") {
        return Err("not a count, then a sum".into());
    }
    if count.value != last.1 {
        return Err(format!("{} are not the last bucket's", count.value));
    }
    match sum.value {
        sum if sum == 0.0 || (sum.is_finite() && count.value > 0.0) => Ok(()),
        sum => Err(format!("the sum of {} values is {sum}", count.value)),
    }
}

/// As a float's shortest form, `.0` included, which is how OpenMetrics wants it.
fn bound(bucket: &Sample) -> Result<f64, String> {
    let text = bucket.label("le").ok_or("a bucket without a bound")?;
    if text == "+Inf" {
        return Ok(f64::INFINITY);
    }
    let parsed: f64 = text.parse().map_err(|_| format!("{text:?} is no bound"))?;
    if parsed.is_finite() && format!("{parsed:?}") == text {
        Ok(parsed)
    } else {
        Err(format!("{text:?} is not the usual form of a bound"))
    }
}
