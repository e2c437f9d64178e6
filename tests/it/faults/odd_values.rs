//! Whatever a row may hold, all at once and by chance: bytes that are no text, dates at the ends
//! of time, numbers below nothing, NULL where none should be, enum values nobody has heard of.

use std::time::{Duration, Instant};

use crate::harness::Chance;
use crate::harness::exposition::Page;
use crate::harness::*;
use coder_agent_exporter::metrics::page::AgentSeries;

const BUDGET: Duration = Duration::from_secs(15);
const AGENTS: u32 = 12;
const APPS: u32 = 2;

/// Columns of text, by table; none of them decides who counts.
const NAMES: [(&str, &str); 7] = [
    ("workspaces", "name"),
    ("users", "username"),
    ("organizations", "name"),
    ("templates", "name"),
    ("template_versions", "name"),
    ("workspace_agents", "name"),
    ("workspace_agents", "version"),
];

const TIMES: [&str; 6] = [
    "created_at",
    "first_connected_at",
    "last_connected_at",
    "disconnected_at",
    "started_at",
    "ready_at",
];

/// Columns of other types, with what else they can hold.
const OTHERS: [(&str, &str, &[&str]); 6] = [
    (
        "workspace_agents",
        "connection_timeout_seconds",
        &["-2147483648", "-1", "0", "1", "2147483647", "NULL"],
    ),
    (
        "workspace_agents",
        "lifecycle_state",
        &[
            "'created'",
            "'starting'",
            "'off'",
            "'ready'",
            "E'od\"d\\n'",
            "NULL",
        ],
    ),
    ("workspace_agents", "deleted", &["false", "NULL"]),
    ("workspaces", "deleted", &["false", "NULL"]),
    (
        "workspace_builds",
        "transition",
        &["'start'", "'stop'", "'delete'", "E'od\"d\\n'", "NULL"],
    ),
    (
        "workspace_apps",
        "health",
        &["'healthy'", "'disabled'", "E'od\"d\\n'", "NULL"],
    ),
];

/// Up to 80 bytes of any value but 0, or NULL.
fn odd_text(chance: &mut Chance) -> String {
    if chance.below(8) == 0 {
        return "NULL".into();
    }
    let length = chance.below(4) * chance.below(21);
    let bytes = (0..length).map(|_| format!("\\x{:02x}", 1 + chance.below(255)));
    format!("E'{}'", bytes.collect::<String>())
}

/// Around now, at the ends of time, before Christ, or NULL.
fn odd_time(chance: &mut Chance) -> String {
    match chance.below(6) {
        0 => "NULL".into(),
        1 => chance.pick(&["'infinity'", "'-infinity'"]).into(),
        2 => chance
            .pick(&[
                "'0001-01-01'",
                "'4714-11-24 BC'",
                "'294276-12-31 23:59:59.999999'",
            ])
            .into(),
        3 => format!("to_timestamp({})", chance.below(1 << 37) as i64 - (1 << 36)),
        _ => format!(
            "now() - {} * interval '1 ms'",
            chance.below(700_000) as i64 - 5000
        ),
    }
}

/// Names need not be unique any more.
const WITHOUT_INDEXES: &str = "
    DO $$ DECLARE it record; BEGIN
        FOR it IN SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS owner
            FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
            WHERE indisunique AND NOT indisprimary AND relnamespace = 'public'::regnamespace
        LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s CASCADE', it.owner, it.name);
            EXECUTE format('DROP INDEX IF EXISTS %s CASCADE', it.name);
        END LOOP;
    END $$";

/// Everything that can be odd may be so.
async fn make_room(coder: &Coder) {
    coder.sql(WITHOUT_INDEXES).await;
    for (table, column) in NAMES {
        coder
            .sql(&format!("ALTER TABLE {table} ALTER {column} TYPE text"))
            .await;
    }
    for name in [
        "workspace_agent_lifecycle_state",
        "workspace_transition",
        "workspace_app_health",
    ] {
        let sql = format!("ALTER TYPE {name} ADD VALUE E'od\"d\\n'");
        coder.sql(&sql).await;
    }
    let times = TIMES.map(|column| ("workspace_agents", column));
    let others = OTHERS.map(|(table, column, _)| (table, column));
    for (table, column) in NAMES.into_iter().chain(times).chain(others) {
        coder
            .sql(&format!("ALTER TABLE {table} ALTER {column} DROP NOT NULL"))
            .await;
    }
}

/// New values in one column of every row of a table, each row its own.
fn shuffle(table: &str, column: &str, mut value: impl FnMut() -> String) -> String {
    let cases: String = (0..AGENTS)
        .map(|it| format!("WHEN {it} THEN {} ", value()))
        .collect();
    let row = format!("(ascii(substr(md5(id::text), 1, 1)) * 7 + ascii(id::text)) % {AGENTS}");
    // The type of a CASE is that of its values: it has to be told that of the column.
    format!(
        "UPDATE {table} SET {column} = (CASE {row} {cases} END)::text::{kind};",
        kind = match column {
            "lifecycle_state" => "workspace_agent_lifecycle_state",
            "transition" => "workspace_transition",
            "health" => "workspace_app_health",
            "deleted" => "boolean",
            "connection_timeout_seconds" => "integer",
            column if TIMES.contains(&column) => "timestamptz",
            _ => "text",
        }
    )
}

fn shuffle_all(chance: &mut Chance) -> String {
    let mut sql = String::new();
    for (table, column) in NAMES {
        sql += &shuffle(table, column, || odd_text(chance));
    }
    for column in TIMES {
        sql += &shuffle("workspace_agents", column, || odd_time(chance));
    }
    for (table, column, values) in OTHERS {
        sql += &shuffle(table, column, || chance.pick(values).to_owned());
    }
    sql
}

#[track_caller]
fn assert_all_counted(page: &Page, case: u64) {
    page.assert_every_collector_loaded();
    let agents = f64::from(AGENTS);
    for (family, expected) in [
        ("coder_agents", agents),
        ("coder_agents_lifecycle", agents),
        ("coder_agents_health", agents),
        ("coder_agents_version", agents),
        ("coder_apps", f64::from(AGENTS * APPS)),
        ("coder_workspaces", agents),
        ("coderd_agents_up", agents),
        ("coderd_agents_apps", f64::from(AGENTS * APPS)),
    ] {
        assert_eq!(
            page.get(family, &[]),
            Some(expected),
            "{family}, round {case}"
        );
    }
    let infos = page.samples("coder_agent_info", &[]).count();
    assert_eq!(infos, AGENTS as usize, "round {case}");
    for kind in ["decode", "query", "connect", "schema"] {
        let errors = page.value("coder_exporter_errors_total", &[("kind", kind)]);
        assert_eq!(errors, 0.0, "{kind}, round {case}");
    }
}

#[tokio::test]
async fn row_of_any_values_is_counted_and_breaks_no_page() {
    let coder = Coder::of_encoding("SQL_ASCII").await;
    for number in 0..AGENTS {
        let name = format!("w{number}");
        let main = agent("main").app("healthy").named_app("Docs", "healthy");
        coder
            .add(
                workspace(&name)
                    .owner(&name)
                    .organization(&name)
                    .template(&name)
                    .agent(main),
            )
            .await;
    }
    make_room(&coder).await;
    let exporter = coder
        .exporter_with(|it| {
            it.collect.named_apps = true;
            it.web.detail.coderd_compat = true;
            it.web.detail.agent_series = AgentSeries::All;
        })
        .await;
    assert_all_counted(&exporter.scrape().await, 0);
    let mut chance = Chance::new(5);
    let (started, mut rounds) = (Instant::now(), 0);
    while started.elapsed() < BUDGET && rounds < 200 {
        rounds += 1;
        coder.sql(&shuffle_all(&mut chance)).await;
        assert_all_counted(&exporter.scrape().await, rounds);
        let openmetrics = exporter.scrape_openmetrics().await;
        assert_eq!(openmetrics.value("coder_agents", &[]), f64::from(AGENTS));
    }
    let columns = (NAMES.len() + TIMES.len() + OTHERS.len()) as u64;
    println!(
        "{rounds} rounds, {} odd values",
        rounds * columns * u64::from(AGENTS)
    );
    assert!(rounds >= 3, "only {rounds} rounds");
}
