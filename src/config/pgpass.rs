//! The password file of libpq (`~/.pgpass`), with a line `host:port:database:user:password` for
//! each login.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio_postgres::config::Host;

use super::postgres_url::UrlError;

/// Default folders of Postgres sockets in the distributions. The password file calls them
/// `localhost`.
const DEFAULT_SOCKETS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

/// A login: host, port, database and user.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
}

/// The text of the file; `None` if it does not exist.
///
/// # Errors
///
/// A sentence when the file cannot be used. As in libpq, a file that other users may read is
/// ignored.
pub(super) fn read(path: &Path) -> Result<Option<String>, String> {
    let shown = path.display();
    let unreadable = |error| format!("the password file {shown} cannot be read: {error}");
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    if !metadata.is_file() {
        return Err(format!(
            "the password file {shown} is ignored: it is not a regular file"
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(format!(
            "the password file {shown} is ignored because other users can open it; run: chmod 0600 {shown}"
        ));
    }
    fs::read_to_string(path).map(Some).map_err(unreadable)
}

/// The password for these logins, which belong to one connection: the first matching line for each.
///
/// # Errors
///
/// When the hosts have different passwords: a connection has one password, and it must not be sent
/// to a host that it does not belong to.
pub(super) fn find(text: &str, logins: &[Login]) -> Result<Option<String>, UrlError> {
    let mut found = logins.iter().map(|login| password_of(text, login));
    let first = found.next().flatten();
    if found.any(|other| other != first) {
        return Err(UrlError(
            "the password file has different passwords for the hosts of the URL; set one password for all in the URL or PGPASSWORD".into(),
        ));
    }
    Ok(first)
}

fn password_of(text: &str, login: &Login) -> Option<String> {
    let host = match &login.host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => {
            let folder = folder.display().to_string();
            match DEFAULT_SOCKETS.contains(&folder.as_str()) {
                true => "localhost".into(),
                false => folder,
            }
        }
    };
    let port = login.port.to_string();
    let wanted = [&host, &port, &login.database, &login.user];
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(fields)
        .find_map(|fields| match fields.as_slice() {
            [place @ .., password] if place.len() == wanted.len() => {
                let fits = place
                    .iter()
                    .zip(wanted)
                    .all(|(field, wanted)| field.fits(wanted));
                (fits && !password.text.is_empty()).then(|| password.text.clone())
            }
            _ => None,
        })
}

/// A field of a line, with its backslash escapes removed.
#[derive(Debug, Default)]
struct Field {
    text: String,
    has_escapes: bool,
}

impl Field {
    /// Whether the field matches. `*` alone matches everything; an escaped star matches a star.
    fn fits(&self, wanted: &str) -> bool {
        self.text == wanted || (self.text == "*" && !self.has_escapes)
    }
}

/// The first five fields. Anything after the password is ignored.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == ':' {
            fields.push(Field::default());
            continue;
        }
        if let Some(field) = fields.last_mut() {
            let escaped = (letter == '\\').then(|| letters.next()).flatten();
            field.has_escapes |= escaped.is_some();
            field.text.push(escaped.unwrap_or(letter));
        }
    }
    fields.truncate(5);
    fields
}

#[cfg(test)]
#[path = "pgpass_tests.rs"]
mod tests;
