//! The token we show to Coder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// Coder's tokens have 33 characters; none has this many.
const MOST_BYTES: usize = 4096;

/// Where the token is. `Debug` hides it.
#[derive(Debug, Clone)]
pub enum Token {
    /// This is it.
    Value(SecretString),
    /// It is in this file, which may change.
    File(PathBuf),
}

/// Why there is no token; repeats no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The file is not there, or not for us.
    #[error(
        "{file} cannot be read: {error}; it must contain the token and be readable by the exporter"
    )]
    Unreadable {
        /// Its name, unless that may be the token itself.
        file: String,
        /// What the system says.
        error: String,
    },
    /// What is there cannot be a token.
    #[error("it contains no token; a token is one line without spaces")]
    NoToken,
}

impl Token {
    /// The token as it is now, without what surrounds it. Blocks while it reads the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or what is there cannot be a token.
    pub fn read(&self) -> Result<SecretString, TokenError> {
        match self {
            Self::Value(value) => trimmed(value.expose_secret()),
            Self::File(path) => {
                let text = read_file(path).map_err(|error| TokenError::Unreadable {
                    file: name_of(path),
                    error: error.to_string(),
                })?;
                trimmed(text.expose_secret())
            }
        }
    }
}

fn read_file(path: &Path) -> std::io::Result<SecretString> {
    // A pipe could keep us waiting for ever, and would be empty the next time.
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    Ok(text.into())
}

/// Who gives the token itself for the file must not find it in the log.
fn name_of(path: &Path) -> String {
    if path.components().count() > 1 {
        path.display().to_string()
    } else {
        "the file of that name".into()
    }
}

fn trimmed(text: &str) -> Result<SecretString, TokenError> {
    let token = text.trim();
    let is_plain = token.bytes().all(|it| it.is_ascii_graphic());
    if token.is_empty() || token.len() > MOST_BYTES || !is_plain {
        return Err(TokenError::NoToken);
    }
    Ok(token.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_one_plain_word() {
        let read = |text: &str| Token::Value(text.to_owned().into()).read();
        assert_eq!(read(" abc-def\n").unwrap().expose_secret(), "abc-def");
        let long = "x".repeat(MOST_BYTES + 1);
        for wrong in ["", "\n", "two words", "two\nlines", "töken", &long] {
            assert!(matches!(read(wrong), Err(TokenError::NoToken)), "{wrong:?}");
        }
    }

    #[test]
    fn token_given_for_its_file_is_not_repeated() {
        let file = |name: &str| Token::File(name.into()).read().unwrap_err().to_string();
        assert!(!file("hunter2hunter2").contains("hunter2"));
        assert!(file("/no/such/file").contains("/no/such/file"));
        assert!(file("/dev/null").contains("not a regular file"));
    }

    #[test]
    fn debug_hides_the_token() {
        let token = Token::Value("hunter2".to_owned().into());
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
