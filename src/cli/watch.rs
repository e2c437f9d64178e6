//! Asks once, or again and again with `--watch`.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use super::resolve::until_stopped;
use super::{CommandError, complain, print, runtime};

/// Moves the cursor to the corner and clears the screen; what scrolled away stays.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Prints what `ask` answers, and with an interval again after each.
///
/// # Errors
///
/// When the first question fails. A later failure is said on stderr, and the next round may succeed.
pub(super) fn answer(
    watch: Option<Duration>,
    ask: impl AsyncFn() -> Result<(String, ExitCode), CommandError>,
) -> Result<ExitCode, CommandError> {
    let Some(interval) = watch else {
        let (text, code) = runtime()?.block_on(ask())?;
        print(&text)?;
        return Ok(code);
    };
    until_stopped(async {
        let mut is_first = true;
        loop {
            match ask().await {
                // Who reads has seen enough.
                Ok((text, _)) if show(&text, is_first).is_err() => return Ok(ExitCode::SUCCESS),
                Ok(_) => {}
                Err(error) if is_first => return Err(error),
                Err(error) => error.sentences().iter().for_each(|it| complain(it)),
            }
            is_first = false;
            tokio::time::sleep(interval).await;
        }
    })
}

/// Shows a round: in the place of the last one on a terminal, after an empty line elsewhere.
fn show(text: &str, is_first: bool) -> io::Result<()> {
    let between = match io::stdout().is_terminal() {
        true if std::env::var_os("TERM").is_none_or(|it| it != "dumb") => CLEAR,
        _ if is_first => "",
        _ => "\n",
    };
    // Not by anstream, which takes the clearing for a colour where none are wanted.
    io::stdout().lock().write_all(between.as_bytes())?;
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
