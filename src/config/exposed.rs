//! Files with secrets that every user of the machine can read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What to do about a file that everybody can read; `None` where not everybody can, or there is
/// none. `flag` is what names it.
pub fn warning(flag: &str, path: &Path) -> Option<String> {
    let mode = path.metadata().ok()?.permissions().mode();
    let shown = path.display();
    (mode & 0o004 != 0).then(|| {
        format!("{flag}: every user of this machine can read {shown}; run: chmod o-rwx {shown}")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_file_that_everybody_can_read_is_warned_about() {
        let path = std::env::temp_dir().join(format!("secret-{}", uuid::Uuid::new_v4()));
        fs::write(&path, "secret").unwrap();
        let check = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            warning("--coder.token-file", &path)
        };
        let warned = check(0o644).unwrap();
        assert!(warned.starts_with("--coder.token-file: "), "{warned}");
        let remedy = format!("chmod o-rwx {}", path.display());
        assert!(warned.ends_with(&remedy), "{warned}");
        assert_eq!([0o600, 0o640, 0o660].map(check), [None, None, None]);
        fs::remove_file(&path).unwrap();
        assert_eq!(warning("--coder.token-file", &path), None);
    }
}
