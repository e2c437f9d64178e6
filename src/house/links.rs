//! Links of documents resolve, and tables are whole.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::markdown::documents;
use super::root;

#[test]
fn every_link_within_the_repository_resolves() {
    let documents = documents();
    let anchors: HashMap<_, _> = documents
        .iter()
        .map(|it| (it.path.clone(), it.anchors()))
        .collect();
    let mut broken = Vec::new();
    let mut count = 0;
    for document in &documents {
        for link in document.links() {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => document.path.clone(),
                file => resolve(document.path.parent().unwrap(), file),
            };
            let has_anchor = |it: &Vec<String>| it.iter().any(|it| it == anchor);
            let is_there = root().join(&target).exists()
                && (anchor.is_empty() || anchors.get(&target).is_some_and(has_anchor));
            if !is_there {
                broken.push(format!("{}: {link}", document.name()));
            }
        }
    }
    assert!(count > 100, "only {count} links were found");
    assert!(
        broken.is_empty(),
        "links lead nowhere:\n{}",
        broken.join("\n")
    );
}

/// `file` as seen from `folder`, without `..`.
fn resolve(folder: &Path, file: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_heading() {
    let mut broken = Vec::new();
    for document in documents() {
        for table in document.tables() {
            let width = table[0].len();
            let has_rule = table.get(1).is_some_and(|row| {
                row.iter()
                    .all(|it| it.chars().all(|it| it == '-' || it == ':') && !it.is_empty())
            });
            let odd = table.iter().filter(|row| row.len() != width);
            broken.extend(odd.map(|row| format!("{}: {}", document.name(), row.join(" | "))));
            if !has_rule {
                broken.push(format!("{}: {:?} has no rule", document.name(), table[0]));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "tables are broken:\n{}",
        broken.join("\n")
    );
}
