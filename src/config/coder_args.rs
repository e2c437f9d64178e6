//! Settings of Coder itself: its URL for links and dials, and its session token.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::SettingError;
use super::coder_token::Token;
use super::http_url::HttpUrl;

pub(super) const URL_FLAG: &str = "--coder.url";
pub(super) const TOKEN_FLAG: &str = "--coder.token-file";

/// Coder's own environment variable for its URL.
pub const URL_VARIABLE: &str = "CODER_URL";
/// Coder's own environment variable for a session token: it holds the token, not a file name.
pub const TOKEN_VARIABLE: &str = "CODER_SESSION_TOKEN";

/// `--coder.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Coder")]
pub struct CoderArgs {
    /// URL of Coder, for links, for the probe and to check whether Coder answers. Coder's own variable CODER_URL is also read.
    /// Requests to Coder ignore proxy variables such as HTTP_PROXY
    // Read later, by code that does not repeat a password: clap would.
    #[arg(
        id = "coder.url",
        long = "coder.url",
        env = "CODER_EXPORTER_CODER_URL",
        value_name = "URL"
    )]
    pub url: Option<String>,

    /// File that contains a Coder session token; it is read at every dial, so the token can be
    /// replaced. Unset: Coder's own variable CODER_SESSION_TOKEN, which contains the token itself
    #[arg(
        long = "coder.token-file",
        env = "CODER_EXPORTER_CODER_TOKEN_FILE",
        value_name = "FILE"
    )]
    pub token_file: Option<PathBuf>,
}

impl CoderArgs {
    /// Coder's URL: the flag, else `variable`, the value of Coder's own variable. `None` if neither
    /// is set.
    ///
    /// # Errors
    ///
    /// When it is not a URL. The message contains no part of it.
    pub fn url(&self, variable: Option<String>) -> Result<Option<HttpUrl>, SettingError> {
        let (source, text) = match (&self.url, variable) {
            (Some(text), _) => (URL_FLAG, text.clone()),
            (None, Some(text)) => (URL_VARIABLE, text),
            (None, None) => return Ok(None),
        };
        let url = text.parse::<HttpUrl>();
        url.map(Some)
            .map_err(|error| SettingError::new(source, error.to_string()))
    }

    /// The session token: in the file of the flag, else `variable`, the value of Coder's own
    /// variable. `None` if neither is set.
    ///
    /// # Errors
    ///
    /// When the file has no usable token. The message contains no part of it.
    pub fn token(&self, variable: Option<SecretString>) -> Result<Option<Token>, SettingError> {
        let (source, token) = match (&self.token_file, variable) {
            (Some(path), _) => (TOKEN_FLAG, Token::File(path.clone())),
            (None, Some(value)) => (TOKEN_VARIABLE, Token::Value(value)),
            (None, None) => return Ok(None),
        };
        // Read for once now: a wrong file is better found before the first probe.
        match token.read() {
            Ok(_) => Ok(Some(token)),
            Err(error) => Err(SettingError::new(source, error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(url: Option<&str>, token_file: Option<&str>) -> CoderArgs {
        CoderArgs {
            url: url.map(Into::into),
            token_file: token_file.map(Into::into),
        }
    }

    #[test]
    fn flags_come_before_coders_own_variables() {
        let variable = || Some("https://variable.example".to_owned());
        let url = args(Some("https://flag.example"), None).url(variable());
        assert_eq!(url.unwrap().unwrap().as_str(), "https://flag.example");
        let url = args(None, None).url(variable());
        assert_eq!(url.unwrap().unwrap().as_str(), "https://variable.example");
        assert_eq!(args(None, None).url(None), Ok(None));

        let token = args(None, None).token(Some("t0ken".to_owned().into()));
        assert!(matches!(token, Ok(Some(Token::Value(_)))));
        assert!(matches!(args(None, None).token(None), Ok(None)));
    }

    #[test]
    fn wrong_values_are_refused_by_the_name_of_where_they_came_from() {
        let wrong = args(Some("coder.example"), None).url(None).unwrap_err();
        assert!(wrong.to_string().starts_with("--coder.url: "), "{wrong}");
        let wrong = args(None, None).url(Some("x".into())).unwrap_err();
        assert!(wrong.to_string().starts_with("CODER_URL: "), "{wrong}");
        let wrong = args(None, Some("/no/such/file")).token(None).unwrap_err();
        assert!(wrong.to_string().contains("/no/such/file"), "{wrong}");
        let wrong = args(None, None).token(Some(" ".to_owned().into()));
        let wrong = wrong.unwrap_err().to_string();
        assert!(wrong.starts_with("CODER_SESSION_TOKEN: "), "{wrong}");
    }
}
