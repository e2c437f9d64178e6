//! Links in the documents resolve, and every row of a table has the same number of cells.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::markdown::{Document, documents};
use super::{files, root};

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

/// Code and SQL statements name the page of the rule that they follow, by its path from the root of
/// the repository.
#[test]
fn every_page_named_in_the_code_exists() {
    let documents = documents();
    let mut broken = Vec::new();
    let mut count = 0;
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(&root().join(folder), &["rs", "sql"]) {
            let is_test_of_documents = path.starts_with(root().join("src/architecture"));
            for page in pages_in(&text).filter(|_| !is_test_of_documents) {
                count += 1;
                if !is_page(&documents, page) {
                    broken.push(format!("{}: {page}", path.display()));
                }
            }
        }
    }
    assert!(count > 100, "only {count} pages were found");
    assert!(
        broken.is_empty(),
        "pages that do not exist:\n{}",
        broken.join("\n")
    );
}

#[test]
fn rules_are_cited_by_their_page_and_not_by_a_number() {
    let mark = concat!("SP", "EC ");
    for folder in ["src", "tests", "benches"] {
        for (path, text) in files(&root().join(folder), &["rs", "sql", "js"]) {
            let cited = text.split(mark).skip(1);
            let by_number = cited.filter(|it| it.starts_with(|it: char| it.is_ascii_digit()));
            let count = by_number.count();
            assert_eq!(
                count,
                0,
                "{}: name the page in docs/spec that has the rule",
                path.display()
            );
        }
    }
}

/// Words that begin with `docs/` and contain `.md`.
fn pages_in(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("docs/");
    let pages = starts.map(|(at, _)| {
        let rest = &text[at..];
        let is_part = |it: char| it.is_ascii_alphanumeric() || "/.#_-".contains(it);
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    pages.filter(|it| it.contains(".md"))
}

fn is_page(documents: &[Document], page: &str) -> bool {
    let (file, anchor) = page.split_once('#').unwrap_or((page, ""));
    let document = documents.iter().find(|it| it.name() == file);
    document.is_some_and(|it| anchor.is_empty() || it.anchors().iter().any(|it| it == anchor))
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
