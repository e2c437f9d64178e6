//! Settings of the connection to Coder's database.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::values::at_least_one;

pub(super) const URL_FLAG: &str = "--postgres.url";

/// `--postgres.*`
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct PostgresArgs {
    /// Connection URL of Coder's database. Coder's own variable CODER_PG_CONNECTION_URL is also
    /// read; PGHOST and the other libpq variables supply what the URL leaves out. Other users of
    /// the machine can read command lines: prefer a variable or a file
    #[arg(
        long = "postgres.url",
        env = "CODER_EXPORTER_POSTGRES_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub url: Option<SecretString>,

    /// File that contains the connection URL
    #[arg(
        long = "postgres.url-file",
        env = "CODER_EXPORTER_POSTGRES_URL_FILE",
        value_name = "FILE"
    )]
    pub url_file: Option<PathBuf>,

    /// Shell command whose output is the password, run at each connection for up to 10 seconds,
    /// for example to log in to RDS, Cloud SQL or Azure with a token of the cloud
    #[arg(
        long = "postgres.password-command",
        env = "CODER_EXPORTER_POSTGRES_PASSWORD_COMMAND",
        value_name = "COMMAND"
    )]
    pub password_command: Option<String>,

    /// Maximum number of database connections
    #[arg(
        long = "postgres.max-connections",
        env = "CODER_EXPORTER_POSTGRES_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = 2,
        value_parser = at_least_one
    )]
    pub max_connections: usize,
}
