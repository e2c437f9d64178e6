//! Dependencies point inward: web, cli → collect → postgres → metrics, fleet. The same holds for
//! the rooms within `fleet`, `postgres` and `web`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{root, sources};

/// Rooms, each with the rooms that it may use.
type Rooms = &'static [(&'static str, &'static [&'static str])];

/// What each room may use of its neighbours. A room that is not listed may use every other one.
const ROOMS: Rooms = &[
    ("fleet", &["error", "fleet"]),
    ("incident", &["fleet", "incident"]),
    ("service_level", &["fleet", "service_level"]),
    (
        "metrics",
        &["error", "fleet", "incident", "metrics", "service_level"],
    ),
    ("chance.rs", &[]),
    ("error.rs", &["error"]),
    ("resolver", &["chance", "error", "fleet", "resolver"]),
    ("config", &["config", "error", "fleet", "metrics"]),
    (
        "postgres",
        &[
            "certificates",
            "clock",
            "config",
            "error",
            "fleet",
            "offload",
            "postgres",
            "resolver",
        ],
    ),
    ("coder_api", &["coder_api", "config", "error", "fleet"]),
    (
        "coder_watch.rs",
        &["coder_api", "error", "fleet", "log_dedup", "log_output"],
    ),
    (
        "dialer",
        &[
            "coder_api",
            "config",
            "dialer",
            "error",
            "fleet",
            "resolver",
        ],
    ),
    (
        "collect",
        &[
            "clock",
            "collect",
            "error",
            "fleet",
            "incident",
            "log_dedup",
            "log_output",
            "metrics",
            "offload",
            "postgres",
            "service_level",
        ],
    ),
    (
        "activity.rs",
        &[
            "collect",
            "error",
            "fleet",
            "log_dedup",
            "log_output",
            "postgres",
        ],
    ),
    (
        "probe",
        &[
            "activity",
            "clock",
            "collect",
            "error",
            "fleet",
            "log_dedup",
            "log_output",
            "postgres",
            "probe",
            "resolver",
        ],
    ),
    (
        "web",
        &[
            "activity",
            "certificates",
            "clock",
            "coder_watch",
            "collect",
            "config",
            "details",
            "dialer",
            "error",
            "fleet",
            "incident",
            "metrics",
            "offload",
            "postgres",
            "probe",
            "process",
            "service_level",
            "systemd",
            "web",
        ],
    ),
    (
        "details",
        &["details", "error", "fleet", "postgres", "resolver"],
    ),
    ("reporter", &["error", "fleet", "reporter"]),
    (
        "demo",
        &[
            "chance", "demo", "error", "fleet", "incident", "postgres", "reporter",
        ],
    ),
    ("certificates.rs", &[]),
    ("log_dedup.rs", &["error", "fleet"]),
    ("log_output.rs", &["error", "fleet", "log_dedup"]),
];

/// Is compiled for tests alone: every room may use it there.
const FOR_TESTS: &str = "fuzzing";

/// What each room within a large room may use of the others in it. The list is in the order of the
/// layers, so a room may only name rooms above it in the list.
const INNER_ROOMS: &[(&str, Rooms)] = &[
    (
        "fleet",
        &[
            ("model", &[]),
            ("rules", &["model"]),
            ("stats", &["model", "rules"]),
            ("probe", &["model", "rules", "stats"]),
            ("select", &["model", "rules", "stats"]),
            ("report", &["model", "rules", "stats", "probe", "select"]),
        ],
    ),
    (
        "incident",
        &[
            ("code_list", &[]),
            ("population", &["code_list"]),
            ("criterion", &[]),
            ("index", &["population"]),
            ("candidates", &["criterion", "index", "population"]),
            ("search", &["candidates", "criterion", "population"]),
            ("model", &["population"]),
            (
                "analysis",
                &[
                    "candidates",
                    "criterion",
                    "index",
                    "model",
                    "population",
                    "search",
                ],
            ),
            ("commands", &["model", "population"]),
            ("advice", &["commands", "model", "population"]),
            ("identity", &["model"]),
            ("history", &["identity", "model", "population"]),
            ("membership", &["model"]),
            ("sessions", &["model", "population"]),
            (
                "report",
                &["advice", "history", "identity", "model", "population"],
            ),
            ("facts", &["analysis", "code_list", "model", "population"]),
        ],
    ),
    (
        "postgres",
        &[
            ("failure", &["advice"]),
            ("columns", &["decode", "failure", "text_limits"]),
            ("catalog", &["columns", "failure"]),
            ("sql", &["catalog"]),
            ("connection", &["catalog", "columns", "decode", "failure"]),
            (
                "builds",
                &[
                    "catalog",
                    "columns",
                    "connection",
                    "encode",
                    "failure",
                    "sql",
                ],
            ),
            (
                "collectors",
                &[
                    "builds",
                    "catalog",
                    "columns",
                    "connection",
                    "encode",
                    "failure",
                    "sql",
                ],
            ),
            (
                "load",
                &["builds", "catalog", "collectors", "connection", "reads_of"],
            ),
            (
                "database",
                &[
                    "builds",
                    "catalog",
                    "connection",
                    "failure",
                    "load",
                    "reads",
                ],
            ),
            (
                "lookup",
                &[
                    "catalog",
                    "collectors",
                    "columns",
                    "connection",
                    "database",
                    "encode",
                    "failure",
                    "sql",
                ],
            ),
        ],
    ),
    (
        "web",
        &[
            ("links", &[]),
            ("server", &[]),
            ("auth", &["links"]),
            ("settings", &["links", "server"]),
            ("joined", &[]),
            ("state", &["auth", "joined", "server", "settings"]),
            ("api", &["links", "state"]),
            ("ui", &["auth", "links", "settings", "state"]),
            ("handlers", &["joined", "server", "state"]),
            ("middleware", &["auth", "server", "state"]),
            ("router", &["api", "handlers", "middleware", "state", "ui"]),
            ("serve", &["router", "server", "settings", "state"]),
        ],
    ),
];

/// Names from crates that do I/O or read a clock. A pure room must not use them.
const WORLDLY: &[&str] = &[
    "axum",
    "deadpool_postgres",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "Instant",
    "SystemTime",
    "tokio",
    "tokio_postgres",
    "tracing",
];

#[test]
fn rooms_use_only_the_rooms_further_in() {
    for (room, allowed) in ROOMS {
        for (path, text) in room_sources(room) {
            for (number, line) in text.lines().enumerate() {
                let Some(rest) = line.split("crate::").nth(1) else {
                    continue;
                };
                if line.trim_start().starts_with("//") {
                    continue;
                }
                let used: String = rest
                    .chars()
                    .take_while(|it| it.is_alphanumeric() || *it == '_')
                    .collect();
                assert!(
                    used == FOR_TESTS || allowed.contains(&used.as_str()),
                    "{}:{}: {room} may not use {used}; move the code to where it belongs, or \
                     pass what it needs as an argument",
                    path.display(),
                    number + 1,
                );
            }
        }
    }
}

#[test]
fn inner_rooms_form_layers() {
    for (outer, rooms) in INNER_ROOMS {
        for (position, (room, allowed)) in rooms.iter().enumerate() {
            let (_, above) = rooms.split_at(position + 1);
            let circle = allowed
                .iter()
                .find(|it| above.iter().any(|(a, _)| a == *it));
            assert_eq!(circle, None, "{outer}::{room} is in a circle");
            for (path, text) in inner_sources(outer, room) {
                for used in used_inner_rooms(outer, &path, &text) {
                    assert!(
                        used == *room || used == "fixtures" || allowed.contains(&used.as_str()),
                        "{}: {outer}::{room} may not use {outer}::{used}; move the code to where \
                         it belongs, or pass what it needs as an argument",
                        path.display(),
                    );
                }
            }
        }
    }
}

/// The files of an inner room: a folder, or one file.
fn inner_sources(outer: &str, room: &str) -> Vec<(PathBuf, String)> {
    let folder = format!("{outer}/{room}");
    if root().join("src").join(&folder).is_dir() {
        return room_sources(&folder);
    }
    room_sources(&format!("{folder}.rs"))
}

/// The rooms that the code names below `outer`. Tests within a file may use any.
fn used_inner_rooms(outer: &str, path: &Path, text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_direct = path.parent() == Some(&root().join("src").join(outer));
    let prefixes = [format!("crate::{outer}::"), "super::".to_owned()];
    let prefixes = &prefixes[..if is_direct { 2 } else { 1 }];
    let lines = code.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.starts_with("//"));
    lines
        .flat_map(|line| {
            prefixes
                .iter()
                .flat_map(|it| line.split(it.as_str()).skip(1))
        })
        .map(|rest| {
            let name = rest.chars();
            name.take_while(|it| it.is_alphanumeric() || *it == '_')
                .collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

/// The resolver may use tokio's clock, which a test can pause, and nothing else that does I/O. Its
/// tests may also use tokio's tasks and channels, for callers and late connections.
#[test]
fn resolver_knows_nothing_of_the_world_but_the_time() {
    let folder = root().join("src/resolver");
    for (path, text) in sources(&folder) {
        let is_test = ["tests", "world", "world.rs"]
            .iter()
            .any(|it| path.starts_with(folder.join(it)));
        let allowed = if is_test {
            "use tokio::"
        } else {
            "use tokio::time::"
        };
        let uses = text
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("use ") && !line.starts_with(allowed));
        for line in uses {
            for worldly in WORLDLY {
                assert!(
                    !line.contains(worldly),
                    "{}: the resolver is pure but for time, so it may not have `{line}`",
                    path.display(),
                );
            }
        }
    }
}

/// A room is a folder, or one file.
fn room_sources(room: &str) -> Vec<(PathBuf, String)> {
    let path = root().join("src").join(room);
    if path.is_dir() {
        return sources(&path);
    }
    let text = fs::read_to_string(&path).unwrap();
    vec![(path, text)]
}

#[test]
fn pure_rooms_know_nothing_of_the_world() {
    for room in [
        "chance.rs",
        "error.rs",
        "fleet",
        "incident",
        "service_level",
        "metrics",
        "log_dedup.rs",
        "reporter/core.rs",
    ] {
        for (path, text) in room_sources(room) {
            let uses = text
                .lines()
                .filter(|line| line.trim_start().starts_with("use "));
            for line in uses {
                for worldly in WORLDLY {
                    assert!(
                        !line.contains(worldly),
                        "{}: {room} is pure, so it may not have `{line}`; take the value as an \
                         argument",
                        path.display(),
                    );
                }
            }
        }
    }
}
