//! Tables that the program generates into the documents, and the test that compares them.

use std::fs;

use clap::ValueEnum;

use crate::cli::{demo_settings_table, settings_table};
use crate::config::demo_args::DemoScenario;
use crate::fleet::model::agent::Kind;
use crate::fleet::model::cause::Cause;
use crate::fleet::model::label_value::Variants;
use crate::fleet::model::outcome::ProbeOutcome;
use crate::fleet::rules::health::Health;
use crate::fleet::stats::collection::Collector;
use crate::incident::advice::tests::every_common;
use crate::incident::advice::{runbook, sentence};
use crate::incident::model::Common;
use crate::incident::population::{Dimension, Family};
use crate::metrics::catalogue;
use crate::metrics::page::Page;
use crate::metrics::single::ProbePage;
use crate::postgres::grants::{USUAL_SCHEMA, columns_read, role_sql};

use super::root;

/// A document, and its generated parts by name. A part stands between `<!-- name -->` and
/// `<!-- /name -->`.
type Generated = (&'static str, Vec<(&'static str, String)>);

fn generated() -> Vec<Generated> {
    let role = format!(
        "```sql\n{}```\n",
        role_sql("coder_exporter", USUAL_SCHEMA, Collector::DEFAULT)
    );
    let metrics = vec![
        ("metrics", catalogue::table::<Page>()),
        ("probe", catalogue::table::<ProbePage>()),
    ];
    let demo = vec![
        ("scenarios", scenarios_table()),
        ("demo-settings", demo_settings_table()),
    ];
    vec![
        (
            "docs/configuration.md",
            vec![("settings", settings_table())],
        ),
        ("docs/database.md", vec![("role", role)]),
        ("docs/demo.md", demo),
        (
            "docs/health-rules.md",
            vec![
                ("advice", advice_table()),
                ("incident-advice", incident_advice_table()),
            ],
        ),
        ("docs/metrics.md", metrics),
        ("docs/probe.md", vec![("outcomes", outcomes_table())]),
        (
            "docs/spec/coder-schema.md",
            vec![("columns", columns_table())],
        ),
    ]
}

#[test]
fn readme_and_documents_show_what_the_program_says() {
    let mut behind = Vec::new();
    for (name, parts) in generated() {
        let path = root().join(name);
        let text = fs::read_to_string(&path).unwrap();
        let expected = parts.iter().fold(text.clone(), |text, (part, content)| {
            replace_part(name, &text, part, content)
        });
        if text == expected {
            continue;
        }
        match std::env::var_os("UPDATE_README") {
            Some(_) => fs::write(&path, expected).unwrap(),
            None => behind.push(name),
        }
    }
    assert!(
        behind.is_empty(),
        "{} behind the program; run: UPDATE_README=1 cargo nextest run readme",
        behind.join(", ")
    );
}

/// The columns that the exporter reads, as the role grants them.
fn columns_table() -> String {
    let rows = columns_read(Collector::DEFAULT).into_iter();
    let rows = rows.map(|(table, columns)| format!("| `{table}` | {} |\n", columns.join(", ")));
    let rows: String = rows.collect();
    format!("| table | columns |\n| --- | --- |\n{rows}")
}

fn scenarios_table() -> String {
    let values = DemoScenario::value_variants().iter();
    let rows = values.filter_map(ValueEnum::to_possible_value).map(|it| {
        let help = it.get_help().map(ToString::to_string).unwrap_or_default();
        format!("| `{}` | {help} |\n", it.get_name())
    });
    let rows: String = rows.collect();
    format!("| `--demo.scenario` | what happens |\n| --- | --- |\n{rows}")
}

fn outcomes_table() -> String {
    let rows = ProbeOutcome::ALL
        .iter()
        .map(|it| format!("| `{}` | {} |\n", it.as_str(), it.advice()));
    let rows: String = rows.collect();
    format!("| outcome | what to do |\n| --- | --- |\n{rows}")
}

/// What to do about each problem, and for each kind and cause where that makes a difference.
fn advice_table() -> String {
    let mut table =
        String::from("| health | kind | cause | what to do |\n| --- | --- | --- | --- |\n");
    for &health in Health::ALL {
        let general = health.advice(Kind::Root, None);
        let of_causes = Cause::ALL
            .iter()
            .map(|&it| ("", it.as_str(), health.advice(Kind::Root, Some(it))));
        let of_kinds = Kind::ALL
            .iter()
            .map(|&it| (it.as_str(), "", health.advice(it, None)));
        let special = of_causes.chain(of_kinds).filter(|it| it.2 != general);
        for (kind, cause, advice) in special.chain([("", "", general)]) {
            let Some(advice) = advice else { continue };
            let code = |name: &str| match name {
                "" => String::new(),
                name => format!("`{name}`"),
            };
            table.push_str(&format!(
                "| `{}` | {} | {} | {advice} |\n",
                health.as_str(),
                code(kind),
                code(cause)
            ));
        }
    }
    table
}

/// What to do about each incident: the advice that its agents get instead of their own.
fn incident_advice_table() -> String {
    let mut table = String::from("| family | factor | what to do first |\n| --- | --- | --- |\n");
    for &family in Family::ALL {
        for common in every_common() {
            let factor = match common {
                // One example stands for every key.
                Common::Value(Dimension::Metadata(_), _) => "metadata:KEY".into(),
                _ => common.factor(),
            };
            // Coder down is an incident of lost agents alone.
            if common == Common::Coder && family != Family::Lost {
                continue;
            }
            let (family_name, advice) = (family.as_str(), sentence(family, &common));
            table.push_str(&format!("| `{family_name}` | `{factor}` | {advice} |\n"));
        }
    }
    table
}

#[test]
fn runbook_of_every_incident_exists() {
    for kind in [Kind::Root, Kind::Prebuild] {
        for &family in Family::ALL {
            for common in every_common() {
                let name = runbook(kind, family, &common);
                let path = root().join(format!("alerts/runbooks/{name}.md"));
                assert!(path.exists(), "{}", path.display());
            }
        }
    }
}

/// Puts `content` between `<!-- part -->` and `<!-- /part -->`.
fn replace_part(document: &str, text: &str, part: &str, content: &str) -> String {
    let (start, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let cut = text.split_once(&start).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let Some((before, after)) = cut else {
        panic!("{document} has lost its markers {start}…{end}");
    };
    format!("{before}{start}\n{content}\n{end}{after}")
}
