//! Small pieces.

use super::{root, sources};

const MOST_LINES: usize = 300;

#[test]
fn no_file_outgrows_its_subject() {
    for folder in ["src", "tests"] {
        for (path, text) in sources(&root().join(folder)) {
            let lines = text.lines().count();
            assert!(
                lines <= MOST_LINES,
                "{} has {lines} lines: find the second subject in it and give it a file",
                path.display()
            );
        }
    }
}
