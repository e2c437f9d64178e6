//! The work under valgrind, which counts instructions.

use std::fs;
use std::process::{Command, Stdio};

use crate::scale::MARK;
use crate::work::Piece;

/// Stays, for `callgrind_annotate`, which tells the functions.
const COUNTS: &str = "target/cost.callgrind";

/// What a piece of work on one fleet took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weight {
    pub(crate) allocations: f64,
    /// All that was allocated, whatever was given back.
    pub(crate) allocated_bytes: f64,
    pub(crate) instructions: f64,
    pub(crate) page_bytes: f64,
    /// Lines with a sample, of a page in the text format.
    pub(crate) samples: f64,
}

/// Does all the work on the fleets at these URLs: a list for each, of every [`Piece`].
pub(crate) fn weigh(urls: &[String]) -> Vec<Vec<Weight>> {
    let output = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind", "--combine-dumps=yes"])
        .arg(format!("--dump-before={MARK}"))
        .arg(format!("--callgrind-out-file={COUNTS}"))
        .arg(std::env::current_exe().unwrap())
        .arg("work")
        .args(urls)
        // What grows is remapped, not copied where there happens to be no room behind it: valgrind
        // counts a byte copied as an instruction.
        .env("MALLOC_MMAP_THRESHOLD_", "16384")
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("valgrind: {error}"));
    assert!(output.status.success(), "the work ends {}", output.status);
    let said = String::from_utf8(output.stdout).unwrap();
    let counts = fs::read_to_string(COUNTS).unwrap();
    let totals = counts.lines().filter_map(|it| it.strip_prefix("totals: "));
    // What is between two pieces, and a piece, in turn, and what comes after the last.
    let totals: Vec<f64> = totals.map(number).collect();
    let pieces = urls.len() * Piece::ALL.len();
    assert_eq!(totals.len(), 2 * pieces + 1, "valgrind sees every mark");
    let totals = totals.into_iter().skip(1).step_by(2);
    let weights = said.lines().zip(totals).map(|(line, instructions)| {
        let numbers: Vec<f64> = line.split(' ').map(number).collect();
        Weight {
            allocations: numbers[0],
            allocated_bytes: numbers[1],
            page_bytes: numbers[2],
            samples: numbers[3],
            instructions,
        }
    });
    let weights: Vec<Weight> = weights.collect();
    assert_eq!(weights.len(), pieces);
    weights
        .chunks(Piece::ALL.len())
        .map(<[_]>::to_vec)
        .collect()
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap()
}
