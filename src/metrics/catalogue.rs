//! The list of all metric families.

use super::family::{Exposed, Family};
use super::page::Page;

impl Exposed for Page {
    fn families() -> impl Iterator<Item = &'static Family> {
        families()
    }
}

/// Every family of `/metrics`, in the order of exposition and documentation.
pub fn families() -> impl Iterator<Item = &'static Family> {
    [
        super::fleet::FAMILIES,
        super::workspaces::FAMILIES,
        super::activity::FAMILIES,
        super::agents::FAMILIES,
        super::incidents::FAMILIES,
        super::service_level::FAMILIES,
        super::coderd::FAMILIES,
        super::replicas::FAMILIES,
        super::provisioners::FAMILIES,
        super::coder::FAMILIES,
        super::probe::FAMILIES,
        super::exporter::FAMILIES,
        super::process::FAMILIES,
    ]
    .into_iter()
    .flatten()
}

/// The families of one page as a Markdown table, for the command `metrics` and for
/// `docs/metrics.md`.
pub fn table<P: Exposed>() -> String {
    let mut table = String::from(
        "| metric | type | labels | meaning | stability | collector |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for family in P::families() {
        let labels: Vec<_> = family.labels.iter().map(|it| format!("`{it}`")).collect();
        table.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} |\n",
            family.name,
            family.kind.as_text_type(),
            labels.join(", "),
            family.help,
            family.stability.as_str(),
            family.source.as_str(),
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::family::{MetricKind, Part, Source};
    use super::*;
    use crate::fleet::stats::collection::Collector;

    #[test]
    fn what_a_collector_reads_is_exported() {
        // Causes are a label of families about agents.
        for &collector in Collector::DEFAULT
            .iter()
            .filter(|it| **it != Collector::Causes)
        {
            assert!(
                families().any(|it| it.source == Source::Collector(collector)),
                "{collector:?} has no family: list its FAMILIES in families()"
            );
        }
    }

    #[test]
    fn every_name_is_there_once_and_says_its_type() {
        let mut names = HashSet::new();
        for family in families() {
            let name = family.name;
            assert!(names.insert(name), "{name} is in the catalogue twice");
            let is_total = name.ends_with("_total");
            assert_eq!(is_total, family.kind == MetricKind::Counter, "{name}");
            let is_info = name.ends_with("_info");
            assert_eq!(is_info, family.kind == MetricKind::Info, "{name}");
        }
    }

    #[test]
    fn families_that_are_kept_come_before_those_that_are_live() {
        assert!(families().map(|it| it.part() == Part::Live).is_sorted());
    }

    #[test]
    fn names_labels_and_help_need_no_escaping() {
        for family in families() {
            for name in family.labels.iter().chain([&family.name]) {
                let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
                assert!(name.chars().all(plain), "{name}: lower-case words only");
            }
            let help = family.help;
            let odd = ['\\', '\n', '"', '|'];
            assert!(!help.contains(odd), "{}: {help}", family.name);
            assert!(!help.ends_with('.'), "{}: no final stop", family.name);
            let distinct: HashSet<_> = family.labels.iter().collect();
            assert_eq!(distinct.len(), family.labels.len(), "{}", family.name);
        }
    }
}
