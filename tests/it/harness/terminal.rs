//! A command on a terminal, or interrupted.

use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Ended;
use super::program::{BINARY, command, command_of, output_of};

/// Runs its arguments on a terminal of `$TERMINAL_COLUMNS`, or 80, and passes on what that shows.
/// `$INTERRUPT_AT` is what is to be shown before Ctrl-C is pressed.
const ON_A_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
until = os.environ.pop('INTERRUPT_AT', '').encode()
columns = int(os.environ.pop('TERMINAL_COLUMNS', '80'))
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
shown = b''
while True:
    try:
        more = os.read(terminal, 65536)
    except OSError:
        break
    if not more:
        break
    shown += more
    if until and until in shown:
        os.write(terminal, b'\\x03')
        until = b''
os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

/// Runs the program on a terminal; what it shows, stderr included, is `stdout`.
pub(crate) async fn run_on_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let path = std::env::var("PATH").unwrap();
    let own = [("PATH", path.as_str()), ("TERM", "xterm-256color")];
    let variables = [&own, variables].concat();
    let arguments = [&["-c", ON_A_TERMINAL, BINARY], arguments].concat();
    output_of(command_of("python3", &arguments, &variables)).await
}

/// Runs the program on a terminal and presses Ctrl-C once it has shown `until`.
pub(crate) async fn interrupted_on_terminal(arguments: &[&str], until: &str) -> Ended {
    run_on_terminal(arguments, &[("INTERRUPT_AT", until)]).await
}

/// A command under way; dropping it kills it.
pub(crate) struct Running(Child);

impl Running {
    /// Starts the program.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self(command(arguments, &[]).spawn().unwrap())
    }

    /// Sends SIGINT; how it ended, and how long that took.
    pub(crate) async fn interrupted(self) -> (Ended, Duration) {
        let began = Instant::now();
        let id = self.0.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(sent.unwrap().success());
        (self.ended().await, began.elapsed())
    }

    /// Waits for its end.
    pub(crate) async fn ended(self) -> Ended {
        let output = timeout(Duration::from_secs(30), self.0.wait_with_output()).await;
        Ended::of(output.expect("the program ends").unwrap())
    }
}
