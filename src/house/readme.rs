//! The README's tables are made from the program, and this is where they are compared.

use std::fs;

use clap::ValueEnum;

use crate::cli::settings_table;
use crate::config::demo_args::DemoScenario;
use crate::fleet::named::Variants;
use crate::fleet::outcome::ProbeOutcome;
use crate::metrics::catalogue;
use crate::metrics::page::Page;
use crate::metrics::single::ProbePage;
use crate::postgres::grants::{is_in_newest_release, role_sql};

use super::root;

#[test]
fn readme_shows_what_the_program_says() {
    let sql = format!(
        "```sql\n{}```\n",
        role_sql("coder_exporter", is_in_newest_release)
    );
    let parts = [
        ("metrics", catalogue::table::<Page>()),
        ("probe", catalogue::table::<ProbePage>()),
        ("outcomes", outcomes_table()),
        ("scenarios", scenarios_table()),
        ("settings", settings_table()),
        ("role", sql),
    ];
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let expected = parts.iter().fold(readme.clone(), |text, (name, part)| {
        replace_part(&text, name, part)
    });
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&path, expected).unwrap();
        return;
    }
    assert!(
        readme == expected,
        "README.md is behind the program; run: UPDATE_README=1 cargo nextest run readme"
    );
}

fn scenarios_table() -> String {
    let values = DemoScenario::value_variants().iter();
    let rows = values.filter_map(ValueEnum::to_possible_value).map(|it| {
        let help = it.get_help().map(ToString::to_string).unwrap_or_default();
        format!("| `{}` | {help} |\n", it.get_name())
    });
    let rows: String = rows.collect();
    format!("| `--demo.scenario` | what it tells |\n| --- | --- |\n{rows}")
}

fn outcomes_table() -> String {
    let rows = ProbeOutcome::ALL
        .iter()
        .map(|it| format!("| `{}` | {} |\n", it.as_str(), it.advice()));
    let rows: String = rows.collect();
    format!("| outcome | what to do |\n| --- | --- |\n{rows}")
}

/// Puts `part` between `<!-- name -->` and `<!-- /name -->`.
fn replace_part(text: &str, name: &str, part: &str) -> String {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let cut = text.split_once(&start).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let Some((before, after)) = cut else {
        panic!("README.md has lost its markers {start}…{end}");
    };
    format!("{before}{start}\n{part}\n{end}{after}")
}
