//! Signals that end a demo: the first one cleans up, the second one ends it at once.

use std::io::Write;
use std::sync::mpsc;
use std::thread;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::process;

/// A future that resolves to the signal's name when the process is asked to stop. Signals are
/// caught from this call on, not from the first poll. A second signal ends the process at once and
/// prints what `may_be_left`.
///
/// This runs on a thread and a runtime of its own, because the second signal must work even while
/// everything else waits for something that hangs.
///
/// # Errors
///
/// When the signal handlers cannot be installed.
pub(super) fn stop_signal(
    may_be_left: String,
) -> anyhow::Result<impl Future<Output = &'static str>> {
    let (report, begun) = mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let runtime = match runtime.context("starting a runtime for signals") {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async {
            let mut signals = match Signals::new() {
                Ok(signals) => signals,
                Err(error) => return drop(report.send(Err(error))),
            };
            let _ = report.send(Ok(()));
            // No receiver: then the process is about to end anyway.
            let _ = stop.send(signals.next().await);
            let signal = signals.next().await;
            end_at_once(signal, &may_be_left);
        });
    };
    let named = thread::Builder::new().name("signals".into());
    named.spawn(wait).context("starting a thread for signals")?;
    begun.recv().context("waiting for signals")??;
    Ok(async { stopped.await.unwrap_or("the end of the signals' thread") })
}

fn end_at_once(signal: &str, may_be_left: &str) -> ! {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(
        stderr,
        "coder-agent-exporter: second {signal}: stopped immediately; {may_be_left}"
    );
    std::process::exit(1)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// SIGHUP, sent when the terminal closes. `None` if the process ignores it, as under `nohup`.
    hang_up: Option<Signal>,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let hang_up = match process::ignores_hang_up() {
            true => None,
            false => Some(signal(SignalKind::hangup()).context("waiting for SIGHUP")?),
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("waiting for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("waiting for SIGINT")?,
            hang_up,
        })
    }

    async fn next(&mut self) -> &'static str {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = hang_up => "SIGHUP",
        }
    }
}
