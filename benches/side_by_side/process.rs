//! What the kernel says of processes.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use procfs::process::{Process, Stat};

/// The processor time a process has taken so far.
pub(crate) fn processor_time(id: u32) -> Result<Duration> {
    let stat = stat(id)?;
    Ok(ticks(stat.utime + stat.stime))
}

/// The processor time of a server and of all it has started, ended or not: its sessions, and
/// the workers that help them.
pub(crate) fn processor_time_of_all(server: u32) -> Result<Duration> {
    let own = stat(server)?;
    let ended = u64::try_from(own.cutime + own.cstime).unwrap_or_default();
    let mut sum = own.utime + own.stime + ended;
    for process in procfs::process::all_processes().context("list the processes")? {
        let Some(stat) = process.ok().and_then(|it| it.stat().ok()) else {
            continue;
        };
        if u32::try_from(stat.ppid) == Ok(server) {
            sum += stat.utime + stat.stime;
        }
    }
    Ok(ticks(sum))
}

/// The most memory the process has ever had (`VmHWM`).
pub(crate) fn peak_memory_bytes(id: u32) -> Result<u64> {
    let status = process(id)?.status().context("read a process's status")?;
    Ok(status.vmhwm.unwrap_or_default() * 1024)
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

fn process(id: u32) -> Result<Process> {
    Process::new(i32::try_from(id)?).with_context(|| format!("look at process {id}"))
}

fn stat(id: u32) -> Result<Stat> {
    process(id)?.stat().context("read a process's figures")
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / procfs::ticks_per_second() as f64)
}
