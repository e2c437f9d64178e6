//! libpq's file of services (`pg_service.conf`): named sets of connection options.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::postgres_env::Variables;
use super::postgres_url::UrlError;

/// Adds what the service says that the URL or `PGSERVICE` names, where the URL says nothing.
///
/// # Errors
///
/// When no file defines the service, or one has a line that is none.
pub(super) fn fill_in(
    options: &mut Vec<(String, String)>,
    variables: Variables<'_>,
) -> Result<(), UrlError> {
    let named = options.iter().position(|(name, _)| name == "service");
    let named = named.map(|index| options.remove(index).1);
    let variable = |name: &str| variables(name).filter(|value| !value.is_empty());
    let Some(service) = named.or_else(|| variable("PGSERVICE")) else {
        return Ok(());
    };
    let home = || Some(PathBuf::from(variable("HOME")?).join(".pg_service.conf"));
    let own = variable("PGSERVICEFILE").map(PathBuf::from).or_else(home);
    let system = variable("PGSYSCONFDIR").map(|it| PathBuf::from(it).join("pg_service.conf"));
    for path in own.iter().chain(&system) {
        let Some(text) = read(path)? else { continue };
        let Some(found) = section(&text, &service, path)? else {
            continue;
        };
        for (name, value) in found {
            if !options
                .iter()
                .any(|(it, given)| *it == name && !given.is_empty())
            {
                options.push((name, value));
            }
        }
        return Ok(());
    }
    let files: Vec<_> = own
        .iter()
        .chain(&system)
        .map(|it| it.display().to_string())
        .collect();
    Err(UrlError(format!(
        "the service {service:?} is not defined in {}",
        match files.is_empty() {
            true => "any file: set PGSERVICEFILE".to_owned(),
            false => files.join(" or "),
        }
    )))
}

fn read(path: &Path) -> Result<Option<String>, UrlError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(UrlError(format!(
            "the service file {} cannot be read: {error}",
            path.display()
        ))),
    }
}

/// The options of one service; `None` where the file does not define it.
fn section(
    text: &str,
    service: &str,
    path: &Path,
) -> Result<Option<Vec<(String, String)>>, UrlError> {
    let mut found: Option<Vec<_>> = None;
    let mut is_within = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            is_within = name == service && found.is_none();
            if is_within {
                found = Some(Vec::new());
            }
            continue;
        }
        if let Some(options) = found.as_mut().filter(|_| is_within) {
            // Not repeated: it may hold the password.
            let (name, value) = line.split_once('=').ok_or_else(|| {
                let (number, shown) = (index + 1, path.display());
                UrlError(format!(
                    "line {number} of the service file {shown} has no ="
                ))
            })?;
            options.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# mine\n[other]\nhost=o\n\n[coder]\nhost=h\n dbname = d\npassword=a=b\n";

    #[test]
    fn section_is_the_one_of_that_name_and_no_other() {
        let options = section(FILE, "coder", Path::new("f")).unwrap().unwrap();
        let expected = [("host", "h"), ("dbname", "d"), ("password", "a=b")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(options, expected);
        assert_eq!(section(FILE, "code", Path::new("f")), Ok(None));
    }

    #[test]
    fn line_that_is_none_is_named_and_not_shown() {
        let error = section("[a]\nhunter2\n", "a", Path::new("f")).unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn url_wins_over_its_service_and_the_service_over_variables() {
        let folder = std::env::temp_dir().join(format!("service-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("pg_service.conf");
        fs::write(&path, FILE).unwrap();
        let file = path.to_str().unwrap().to_owned();
        let variables = |name: &str| match name {
            "PGSERVICEFILE" => Some(file.clone()),
            "PGUSER" => Some("u".to_owned()),
            "PGDATABASE" => Some("another".to_owned()),
            _ => None,
        };
        let read = |url: &str| {
            crate::config::postgres_url::PostgresUrl::read(url, &variables).map(|it| it.target())
        };
        assert_eq!(read("postgres://?service=coder").unwrap(), "u@h:5432/d");
        assert_eq!(read("postgres://x@y/?service=coder").unwrap(), "x@y:5432/d");
        let error = read("postgres://?service=nothing").unwrap_err();
        assert!(error.to_string().contains("is not defined in"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
