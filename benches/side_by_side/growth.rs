//! How time grows with live agents, and with old builds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::{Chart, Line};
use crate::contestants::Kind;
use crate::race::Race;
use crate::shapes::{Rows, Shape};
use crate::statistics::exponent;

/// Of all fleets of one chart.
const BUILDS: u32 = Shape::TEN_THOUSAND.builds;
const LIVE: u32 = Shape::SHALLOW.live;

/// Draws the charts into `path` and says what they show.
pub(crate) fn report(races: &[Race], path: &Path) -> Result<String> {
    let agents = Chart {
        title: format!("live agents, {BUILDS} builds a workspace"),
        lines: lines(races, |it| (it.builds == BUILDS).then_some(it.live)),
    };
    let builds = Chart {
        title: format!("builds a workspace, {LIVE} live agents"),
        lines: lines(races, |it| (it.live == LIVE).then_some(it.builds)),
    };
    let mut said = "How time grows:\n\n".to_owned();
    for (chart, what) in [(&agents, "live agents"), (&builds, "builds a workspace")] {
        for line in &chart.lines {
            if let Some(power) = exponent(&line.points) {
                let Line { name, points } = line;
                let ends = points.first().zip(points.last());
                let ends = ends.map(|(first, last)| (first.0, last.0));
                let (first, last) = ends.unwrap_or_default();
                said.push_str(&format!(
                    "{name}: time grows with {what}, {first} to {last}, to the power of \
                     {power:.2}: ten times as many take {:.1} times as long.\n",
                    10_f64.powf(power)
                ));
            }
        }
    }
    fs::write(path, crate::chart::svg(&[agents, builds]))
        .with_context(|| format!("write {}", path.display()))?;
    said.push_str(&format!("\nThe chart is in {}.\n", path.display()));
    Ok(said)
}

/// A line for each contestant; `x` says where a fleet belongs, if it does.
fn lines(races: &[Race], x: impl Fn(Shape) -> Option<u32>) -> Vec<Line> {
    let of = |kind: Kind| {
        let points = races.iter().filter_map(|race| {
            let x = x(race.shape).filter(|_| race.shape.rows == Rows::Wide)?;
            Some((f64::from(x), race.median(kind)?))
        });
        let mut points: Vec<_> = points.collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        Line {
            name: kind.name(),
            points,
        }
    };
    Kind::for_growth().into_iter().map(of).collect()
}
