//! What the bench is told to do.

use anyhow::{Result, bail};

use crate::shapes::Shape;

/// Enough for a median and its spread.
const ROUNDS: usize = 7;
const QUICK_ROUNDS: usize = 5;

const HELP: &str = "\
scripts/bench [OPTIONS]: the exporter beside others who answer the same questions.

  --quick         the fleet of 10,000 agents only, in wide and in narrow rows, and fewer rounds
  --growth        further fleets, and a chart of how time grows with agents and old builds
  --million       a fleet of a million agents too
  --shape NAME    this fleet only (10k or 100k, in wide and in narrow rows; deep, shallow, million);
                  may be given again
  --rounds NUMBER how often each is timed

With EXPORTER=PATH that program runs instead of the one that is built here, to measure the static one
that scripts/release builds.";

pub(crate) struct Options {
    /// Where everybody runs.
    pub(crate) shapes: Vec<Shape>,
    /// Where those run that the chart shows.
    pub(crate) further: Vec<Shape>,
    pub(crate) rounds: usize,
}

/// What is asked for. `None` when nothing is to be measured: a test runner looks for tests, or
/// somebody wants to read what there is.
pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Options>> {
    let arguments: Vec<String> = arguments.skip(1).collect();
    // Cargo's own word for being asked to measure; it comes last.
    let is_bench = arguments.iter().any(|it| it == "--bench");
    let (mut is_quick, mut growth, mut million) = (false, false, false);
    let mut rounds = None;
    let mut shapes = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => is_quick = true,
            "--growth" => growth = true,
            "--million" => million = true,
            "--shape" => shapes.push(shape(&arguments.next().unwrap_or_default())?),
            "--rounds" => rounds = Some(arguments.next().unwrap_or_default().parse()?),
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(None);
            }
            _ if !is_bench => return Ok(None),
            other => bail!("{other} is no option\n{HELP}"),
        }
    }
    if !is_bench {
        return Ok(None);
    }
    if shapes.is_empty() {
        shapes.push(Shape::TEN_THOUSAND);
        if !is_quick {
            shapes.extend([Shape::HUNDRED_THOUSAND, Shape::DEEP, Shape::SHALLOW]);
        }
        if million {
            shapes.push(Shape::MILLION);
        }
    }
    let shapes = shapes.into_iter().flat_map(both_rows).collect::<Vec<_>>();
    let mut further = Vec::new();
    if growth {
        further.extend([Shape::new(1_000, 10), Shape::new(2_000, 1), Shape::SHALLOW]);
        further.retain(|it| !shapes.contains(it));
    }
    let usual = if is_quick { QUICK_ROUNDS } else { ROUNDS };
    Ok(Some(Options {
        shapes,
        further,
        rounds: rounds.unwrap_or(usual).max(1),
    }))
}

/// What has targets for both is measured in both.
fn both_rows(shape: Shape) -> Vec<Shape> {
    match shape {
        Shape::TEN_THOUSAND | Shape::HUNDRED_THOUSAND => vec![shape, shape.narrow()],
        _ => vec![shape],
    }
}

fn shape(name: &str) -> Result<Shape> {
    let all = [
        Shape::TEN_THOUSAND,
        Shape::HUNDRED_THOUSAND,
        Shape::DEEP,
        Shape::SHALLOW,
        Shape::MILLION,
    ];
    match all.into_iter().find(|it| it.name() == name) {
        Some(shape) => Ok(shape),
        None => bail!("there is no fleet called {name:?}\n{HELP}"),
    }
}
