//! The driver of tests whose name begins with `fuzzed_`: a function that reads what others send, fed
//! with good input that has been damaged.
//!
//! With every other test they run the same few thousand cases each time, so that a change fails only
//! for what it changed. `scripts/fuzz` looks for new cases: it gives each test seconds
//! (`FUZZ_SECONDS`) and a new seed. A failure prints its seed and its case; `FUZZ_SEED` and
//! `FUZZ_CASE` repeat it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use crate::chance::Chance;

/// Cases where no time is given.
const USUAL: u64 = 3000;

/// No input is longer.
const MOST_BYTES: usize = 1 << 16;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Feeds `target` with what becomes of `good` inputs. It must not panic, nor take long.
pub(crate) fn fuzz(good: &[&str], mut target: impl FnMut(&[u8])) {
    let only = variable("FUZZ_CASE");
    let seconds = variable("FUZZ_SECONDS").map(Duration::from_secs);
    let seed = variable("FUZZ_SEED").unwrap_or_else(|| match seconds {
        Some(_) => uuid::Uuid::new_v4().as_u64_pair().0,
        None => 1,
    });
    let began = Instant::now();
    let mut case = only.unwrap_or_default();
    loop {
        let input = damaged(good, &mut Chance::new(seed.wrapping_add(case)));
        let ended = catch_unwind(AssertUnwindSafe(|| target(&input)));
        if let Err(panic) = ended {
            let start = &input[..input.len().min(500)];
            let text = String::from_utf8_lossy(start);
            eprintln!(
                "FUZZ_SEED={seed} FUZZ_CASE={case}: {} bytes: {text:?}",
                input.len()
            );
            resume_unwind(panic);
        }
        case += 1;
        let is_over = match seconds {
            Some(seconds) => began.elapsed() >= seconds,
            None => case >= USUAL,
        };
        if only.is_some() || is_over {
            println!("{case} cases from seed {seed}");
            return;
        }
    }
}

/// One of the good inputs after some accidents.
fn damaged(good: &[&str], chance: &mut Chance) -> Vec<u8> {
    let mut input = chance.pick(good).as_bytes().to_vec();
    for _ in 0..chance.below(8) {
        let from = chance.below(input.len() as u64 + 1) as usize;
        let until = (from + chance.below(16) as usize).min(input.len());
        match chance.below(7) {
            0 => input.truncate(from),
            1 => input.insert(from, chance.bits() as u8),
            2 => drop(input.drain(from..until)),
            3 => {
                let piece = input[from..until].repeat(chance.below(200) as usize);
                input.splice(from..from, piece);
            }
            4 => {
                let other = chance.pick(good).as_bytes();
                let start = chance.below(other.len() as u64 + 1) as usize;
                input.splice(from..until, other[start..].iter().copied());
            }
            5 => {
                let special = b"\0\n\r\t \"'\\%;,=&*/:@[]{}<>#?\xff\xc3\xf0\x80";
                input.insert(from, chance.pick(special));
            }
            _ => {
                if let Some(byte) = input.get_mut(from) {
                    *byte ^= 1 << chance.below(8);
                }
            }
        }
        input.truncate(MOST_BYTES);
    }
    input
}

#[test]
fn same_seed_damages_alike_and_nothing_grows_without_end() {
    let good = ["a=b&c=d", "text/plain;q=0.5"];
    let all = |seed| -> Vec<_> {
        let inputs = (seed..seed + 300).map(|it| damaged(&good, &mut Chance::new(it)));
        inputs.collect()
    };
    assert_eq!(all(7), all(7));
    assert_ne!(all(7), all(1007));
    assert!(all(7).iter().all(|it| it.len() <= MOST_BYTES));
    let kept = all(7)
        .iter()
        .filter(|it| good.iter().any(|good| good.as_bytes() == **it))
        .count();
    assert!((1..200).contains(&kept), "{kept} of 300 are as they were");
}
