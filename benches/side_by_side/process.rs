//! What Linux says of processes.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// What `/proc` counts processor time in, on every architecture there is a Debian for.
const TICKS_A_SECOND: f64 = 100.0;

/// The processor time a process has taken so far.
pub(crate) fn processor_time(id: u32) -> Result<Duration> {
    Ok(ticks(Stat::of(id)?.own_ticks))
}

/// The processor time of a server and of all it has started, ended or not: its sessions, and
/// the workers that help them.
pub(crate) fn processor_time_of_all(server: u32) -> Result<Duration> {
    let stat = Stat::of(server)?;
    let mut sum = stat.own_ticks + stat.ended_ticks;
    for entry in fs::read_dir("/proc").context("list the processes")? {
        let name = entry.context("list the processes")?.file_name();
        let id = name.to_str().and_then(|it| it.parse().ok());
        // One that has just ended has told its parent.
        let stat = id.and_then(|id| Stat::of(id).ok());
        let child = stat.filter(|it| it.parent == server);
        sum += child.map_or(0, |it| it.own_ticks);
    }
    Ok(ticks(sum))
}

/// The most memory the process has ever had (`VmHWM`).
pub(crate) fn peak_memory_bytes(id: u32) -> Result<u64> {
    let status = read(id, "status")?;
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let kibibytes = peak.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kibibytes.context("no peak in a process's status")? * 1024)
}

/// How many processes were waiting for a processor in the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    first.unwrap_or(f64::NAN)
}

/// The processor's name, and how many there are.
pub(crate) fn processors() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|it| it.strip_prefix("model name"));
    let name = name.map_or("", |it| it.trim_start_matches([' ', '\t', ':']));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} x {name}")
}

struct Stat {
    parent: u32,
    own_ticks: u64,
    /// Of children that have ended.
    ended_ticks: u64,
}

impl Stat {
    fn of(id: u32) -> Result<Self> {
        let text = read(id, "stat")?;
        // The name, in brackets, may hold anything; what comes after it is figures.
        let (_, figures) = text
            .rsplit_once(')')
            .context("no name in a process's figures")?;
        let figures: Vec<&str> = figures.split_whitespace().collect();
        let figure = |index: usize| {
            let figure = figures.get(index).and_then(|it| it.parse::<u64>().ok());
            figure.with_context(|| format!("figure {index} of process {id}"))
        };
        Ok(Self {
            parent: u32::try_from(figure(1)?)?,
            own_ticks: figure(11)? + figure(12)?,
            ended_ticks: figure(13)? + figure(14)?,
        })
    }
}

fn read(id: u32, name: &str) -> Result<String> {
    let path = format!("/proc/{id}/{name}");
    fs::read_to_string(&path).with_context(|| format!("read {path}"))
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / TICKS_A_SECOND)
}
