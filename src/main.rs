//! The binary. All code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    coder_agent_exporter::cli::run(std::env::args_os())
}
