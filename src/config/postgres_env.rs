//! libpq's environment variables, for options that the connection URL leaves out.

/// Looks up an environment variable by name.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Options of a URL, each with its libpq variable.
const VARIABLES: &[(&str, &str)] = &[
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcrl", "PGSSLCRL"),
];

/// The options that name the server. They are used together or not at all: a URL that names a host
/// is not mixed with `PGHOST` or `PGHOSTADDR`.
const PLACE: &[(&str, &str)] = &[("host", "PGHOST"), ("hostaddr", "PGHOSTADDR")];

/// The variable that names a service of libpq's file, which may name the server.
const SERVICE: &str = "PGSERVICE";

/// Whether the environment names a server, so that no URL is needed.
pub fn names_a_server(variables: Variables<'_>) -> bool {
    let mut names = PLACE.iter().map(|(_, it)| *it).chain([SERVICE]);
    names.any(|it| value(it, variables).is_some())
}

/// Adds the options that the URL leaves out. An empty variable counts as unset.
pub(super) fn fill_in(options: &mut Vec<(String, String)>, variables: Variables<'_>) {
    let is_there = |options: &[(String, String)], name: &str| {
        options
            .iter()
            .any(|(it, value)| it == name && !value.is_empty())
    };
    let has_place = PLACE.iter().any(|(name, _)| is_there(options, name));
    let place = PLACE.iter().filter(|_| !has_place);
    for (name, variable) in VARIABLES.iter().chain(place) {
        if is_there(options, name) {
            continue;
        }
        if let Some(value) = value(variable, variables) {
            options.retain(|(it, _)| it != name);
            options.push(((*name).to_owned(), value));
        }
    }
}

fn value(variable: &str, variables: Variables<'_>) -> Option<String> {
    variables(variable).filter(|value| !value.is_empty())
}
