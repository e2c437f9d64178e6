//! The session token for requests to Coder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

/// Upper limit for a token; Coder's have 33 characters.
const MOST_BYTES: usize = 4096;

/// The source of the token. `Debug` does not print it.
#[derive(Debug, Clone)]
pub enum Token {
    /// The token itself, from Coder's environment variable.
    Value(SecretString),
    /// The file that holds the token, read at each use because it may change.
    File(PathBuf),
}

/// Why there is no token. Contains no part of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The file does not exist or cannot be read.
    #[error(
        "{file} cannot be read: {error}; it must contain the token and be readable by the exporter"
    )]
    Unreadable {
        /// Path of the file. A bare name is replaced by a placeholder, because it may be the token
        /// itself.
        file: String,
        /// Error of the operating system.
        error: String,
    },
    /// The content cannot be a token.
    #[error("it contains no token; a token is one line without spaces")]
    NoToken,
}

impl Token {
    /// The current token without surrounding whitespace. Blocks while it reads the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or its content is not a token.
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

/// The path for messages. A bare name is hidden, because it may be a token in the place of a path.
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
