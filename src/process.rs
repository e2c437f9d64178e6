//! Data of the operating system about this process.

use crate::metrics::page::ProcessStats;

/// The current statistics; `None` if they are not available.
#[cfg(target_os = "linux")]
pub(crate) fn stats() -> Option<ProcessStats> {
    use procfs::WithCurrentSystemInfo;
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let ticks_per_second = procfs::ticks_per_second() as f64;
    let boot = procfs::boot_time_secs().ok()? as f64;
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
