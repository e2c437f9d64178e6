//! Source files stay short.

use super::{root, sources};

/// A longer file is listed, so that a reviewer checks whether it covers two subjects.
const ADVISED_LINES: usize = 400;

/// No file may be longer than this.
const MOST_LINES: usize = 600;

#[test]
fn no_file_outgrows_its_subject() {
    let folders = ["src", "tests"].map(|it| sources(&root().join(it)));
    let files = folders.iter().flatten();
    let long: Vec<_> = files
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > ADVISED_LINES)
        .collect();
    for (lines, path) in &long {
        let shown = path.display();
        println!("warning: {shown} has {lines} lines, more than the advised {ADVISED_LINES}");
    }
    for (lines, path) in long {
        assert!(
            lines <= MOST_LINES,
            "{} has {lines} lines: find the second subject in it and give it a file",
            path.display()
        );
    }
}
