//! Data of the operating system about this process.

#[cfg(target_os = "linux")]
use std::sync::OnceLock;

use crate::metrics::page::ProcessStats;

/// The current statistics; `None` if they are not available.
#[cfg(target_os = "linux")]
pub(crate) fn stats() -> Option<ProcessStats> {
    use procfs::WithCurrentSystemInfo;
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let ticks_per_second = procfs::ticks_per_second() as f64;
    let boot = boot_time()? as f64;
    let max_fds = match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Value(limit) => Some(limit),
        LimitValue::Unlimited => None,
    };
    Some(ProcessStats {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks_per_second,
        open_fds: process.fd_count().ok()? as u64,
        max_fds,
        virtual_memory_bytes: stat.vsize,
        resident_memory_bytes: stat.rss_bytes().get(),
        start_time_seconds: boot + stat.starttime as f64 / ticks_per_second,
    })
}

/// When the system was booted, in seconds since the epoch. Read once: it takes longer than all the rest,
/// and moves when the clock is set, which the start of a process must not.
#[cfg(target_os = "linux")]
fn boot_time() -> Option<u64> {
    static BOOT_TIME: OnceLock<u64> = OnceLock::new();
    if let Some(&known) = BOOT_TIME.get() {
        return Some(known);
    }
    let read = procfs::boot_time_secs().ok()?;
    Some(*BOOT_TIME.get_or_init(|| read))
}

/// Only Linux is supported so far.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stats() -> Option<ProcessStats> {
    None
}

/// Whether SIGHUP was ignored when the process started, as under `nohup`.
#[cfg(target_os = "linux")]
pub(crate) fn ignores_hang_up() -> bool {
    use procfs::process::Process;

    let status = Process::myself().and_then(|process| process.status());
    // A bit for each signal, and SIGHUP is the first.
    status.is_ok_and(|status| status.sigign & 1 != 0)
}

/// Only Linux is supported so far.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ignores_hang_up() -> bool {
    false
}
