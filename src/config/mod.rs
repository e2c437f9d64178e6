//! Every setting: flag, environment variable, default, unit and effect.
//!
//! [`args`] is the table of settings as clap sees it, with a file for each of its larger groups;
//! everything that is said of them (help, README, errors) follows from there.
//! [`mod@postgres_url`] reads connection URLs, with libpq's variables ([`postgres_env`]) and
//! password file; [`collectors`] the switches of the collectors, [`web_file`] the file of
//! `--web.config.file`; [`exposed`] warns of secrets that everybody can read,
//! and [`deprecated`] takes names of earlier versions.

pub mod args;
pub mod coder_args;
pub mod coder_token;
pub mod collectors;
pub mod demo_args;
pub mod deprecated;
pub mod exposed;
pub mod http_url;
pub mod incident_args;
pub mod log_args;
pub mod output_args;
pub mod postgres_args;
pub mod postgres_env;
pub mod postgres_session;
pub mod postgres_tls;
pub mod postgres_url;
pub mod probe_args;
pub mod question_args;
pub mod tcp_address;
pub mod web_args;
pub mod web_file;

mod pg_service;
mod pgpass;
mod postgres_url_parts;
mod values;

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use self::postgres_args::{PostgresArgs, URL_FLAG};
use self::postgres_env::Variables;
use self::postgres_url::PostgresUrl;

/// Coder's own environment variable for its database URL.
pub const CODER_URL_VARIABLE: &str = "CODER_PG_CONNECTION_URL";

/// A setting with an invalid value: the flag, and what is wrong. Exit code 64.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag}: {problem}")]
pub struct SettingError {
    /// The flag as on the command line, such as `--postgres.url`.
    pub flag: String,
    /// What is wrong and what to do. Contains no secret.
    pub problem: String,
}

impl SettingError {
    /// An error for this flag.
    pub fn new(flag: &str, problem: impl Into<String>) -> Self {
        Self {
            flag: flag.to_owned(),
            problem: problem.into(),
        }
    }
}

/// The database URL: from the flag or its variable, the file, or `coder_url`, the value of Coder's
/// own variable. libpq's `variables` supply what the URL leaves out, and all of it if there is no
/// URL but `PGHOST` is set.
///
/// # Errors
///
/// When the URL is missing, set twice, or invalid. The message contains no part of it.
pub fn postgres_url(
    args: &PostgresArgs,
    coder_url: Option<SecretString>,
    variables: Variables<'_>,
) -> Result<PostgresUrl, SettingError> {
    let (source, url) = match (&args.url, &args.url_file, coder_url) {
        (Some(_), Some(_), _) => {
            let problem = "set this or --postgres.url-file, not both";
            return Err(SettingError::new(URL_FLAG, problem));
        }
        (Some(url), None, _) => (URL_FLAG, url.clone()),
        (None, Some(path), _) => ("--postgres.url-file", read_secret(path)?),
        (None, None, Some(url)) => (CODER_URL_VARIABLE, url),
        (None, None, None) if postgres_env::names_a_server(variables) => {
            ("PGHOST", SecretString::from("postgres://"))
        }
        (None, None, None) => {
            let problem = format!(
                "no database is configured; set --postgres.url, --postgres.url-file, {CODER_URL_VARIABLE} or PGHOST, as in postgres://coder_exporter:password@host:5432/coder"
            );
            return Err(SettingError::new(URL_FLAG, problem));
        }
    };
    let parsed = PostgresUrl::read(url.expose_secret().trim(), variables);
    let mut url = parsed.map_err(|error| SettingError::new(source, error.to_string()))?;
    url.password_command = args.password_command.clone();
    Ok(url)
}

fn read_secret(path: &Path) -> Result<SecretString, SettingError> {
    std::fs::read_to_string(path)
        .map(SecretString::from)
        .map_err(|error| {
            let path = path.display().to_string();
            let problem = match path.contains("://") {
                // Not repeated: it may hold the password.
                true => "it must be the name of a file; set a URL with --postgres.url".into(),
                false => format!("{path} cannot be read: {error}"),
            };
            SettingError::new("--postgres.url-file", problem)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNSET: Variables<'static> = &|_| None;

    fn args(url: Option<&str>, file: Option<&Path>) -> PostgresArgs {
        PostgresArgs {
            url: url.map(|it| it.to_owned().into()),
            url_file: file.map(Into::into),
            password_command: None,
            max_connections: 2,
        }
    }

    #[test]
    fn coders_own_variable_is_the_last_resort() {
        let coder = || Some(SecretString::from("postgres://u@coder/d"));
        let from_coder = postgres_url(&args(None, None), coder(), UNSET).unwrap();
        assert_eq!(from_coder.target(), "u@coder:5432/d");
        let from_flag =
            postgres_url(&args(Some("postgres://u@flag/d"), None), coder(), UNSET).unwrap();
        assert_eq!(from_flag.target(), "u@flag:5432/d");
    }

    #[test]
    fn libpqs_variables_name_the_database_where_nothing_else_does() {
        let variables = |name: &str| match name {
            "PGHOST" => Some("pg".to_owned()),
            "PGUSER" => Some("u".to_owned()),
            "PGDATABASE" => Some("coder".to_owned()),
            _ => None,
        };
        let alone = postgres_url(&args(None, None), None, &variables).unwrap();
        assert_eq!(alone.target(), "u@pg:5432/coder");
        let coder = Some(SecretString::from("postgres://other/d"));
        let with_url = postgres_url(&args(None, None), coder, &variables).unwrap();
        assert_eq!(with_url.target(), "u@other:5432/d");
    }

    #[test]
    fn url_file_may_end_in_a_newline() {
        let path = std::env::temp_dir().join(format!("url-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, "postgres://u:p@file/d\n").unwrap();
        let url = postgres_url(&args(None, Some(&path)), None, UNSET).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(url.target(), "u@file:5432/d");
    }

    #[test]
    fn errors_name_the_setting_and_keep_the_secret() {
        let missing = postgres_url(&args(None, None), None, UNSET).unwrap_err();
        assert!(
            missing.to_string().contains(CODER_URL_VARIABLE),
            "{missing}"
        );

        let both = args(Some("postgres://u@h/d"), Some(Path::new("/x")));
        let both = postgres_url(&both, None, UNSET).unwrap_err();
        assert!(both.to_string().contains("--postgres.url-file"), "{both}");

        let bad =
            postgres_url(&args(Some("postgres://u:hunter2%@h/d"), None), None, UNSET).unwrap_err();
        assert!(bad.to_string().starts_with("--postgres.url: "), "{bad}");
        assert!(!bad.to_string().contains("hunter2"), "{bad}");

        let gone = args(None, Some(Path::new("/does/not/exist")));
        let gone = postgres_url(&gone, None, UNSET).unwrap_err();
        assert!(gone.to_string().contains("/does/not/exist"), "{gone}");
    }
}
