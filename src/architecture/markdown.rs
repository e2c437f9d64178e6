//! Parses the repository's Markdown documents, as far as their tests need it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// Folders whose Markdown files are not part of this project.
const FOREIGN: &[&str] = &[".git", "node_modules", "target"];

/// A Markdown file of the repository and its text.
pub(super) struct Document {
    /// Path from the root of the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Every Markdown file of the repository.
pub(super) fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 50, "the documents were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Document>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let is_foreign = FOREIGN.iter().any(|it| entry.file_name() == *it);
        // Links lead to files that are met where they are.
        if kind.is_dir() && !is_foreign {
            collect(&path, found);
        } else if kind.is_file() && path.extension().is_some_and(|it| it == "md") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_owned();
            found.push(Document { path, text });
        }
    }
}

impl Document {
    /// The path as text, for messages of failed tests.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The lines outside of code blocks.
    fn prose(&self) -> Vec<&str> {
        let mut is_code = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        });
        lines.collect()
    }

    /// The lines within code blocks. A line that ends in a backslash is joined with the next.
    pub(super) fn code_lines(&self) -> Vec<String> {
        let mut is_code = false;
        let lines = self.text.lines().filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            is_code && !is_fence
        });
        let lines: Vec<_> = lines.collect();
        let joined = lines.join("\n").replace("\\\n", " ");
        joined.lines().map(str::to_owned).collect()
    }

    /// The inline code spans outside of code blocks.
    pub(super) fn code_spans(&self) -> Vec<String> {
        let prose = self.prose().join("\n");
        // A piece may go on in the next line, but never beyond its paragraph.
        let paragraphs = prose.split("\n\n");
        let spans = paragraphs.flat_map(|it| it.split('`').skip(1).step_by(2));
        spans.map(|it| it.replace('\n', " ")).collect()
    }

    /// The targets of its links and images.
    pub(super) fn links(&self) -> Vec<String> {
        let prose = self.prose().join("\n");
        let without_code: String = prose.split('`').step_by(2).collect();
        let links = without_code.split("](").skip(1);
        let links = links.filter_map(|it| Some(it.split_once(')')?.0.to_owned()));
        links.collect()
    }

    /// The anchors of its headings, as in `page.md#anchor`.
    pub(super) fn anchors(&self) -> Vec<String> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let prose = self.prose();
        let headings = prose.iter().filter(|it| it.starts_with('#'));
        let anchors = headings.map(|heading| {
            let slug = slug(heading.trim_start_matches('#').trim());
            let number = seen.entry(slug.clone()).or_default();
            *number += 1;
            match *number {
                1 => slug,
                number => format!("{slug}-{}", number - 1),
            }
        });
        anchors.collect()
    }

    /// The rows of each table, as lists of cells.
    pub(super) fn tables(&self) -> Vec<Vec<Vec<&str>>> {
        let mut tables = vec![Vec::new()];
        for line in self.prose() {
            match line.trim().strip_prefix('|') {
                Some(row) => tables.last_mut().unwrap().push(cells(row)),
                None => tables.push(Vec::new()),
            }
        }
        tables.retain(|it| !it.is_empty());
        tables
    }

    /// The table after each `<!-- names: … -->` comment: the text of the comment, and the table's
    /// rows without the heading.
    pub(super) fn tables_of_names(&self) -> Vec<(&str, Vec<Vec<&str>>)> {
        let marked = self.text.split("<!-- names: ").skip(1);
        let tables = marked.map(|rest| {
            let (names, rest) = rest.split_once(" -->").unwrap();
            let lines = rest.lines().map(str::trim).skip_while(|it| it.is_empty());
            let rows = lines.map_while(|it| it.strip_prefix('|')).skip(2);
            (names, rows.map(cells).collect())
        });
        tables.collect()
    }
}

/// The cells of a table row, which comes without its leading bar. Every unescaped `|` separates
/// cells, even within code.
fn cells(row: &str) -> Vec<&str> {
    let row = row.trim().strip_suffix('|').unwrap_or(row);
    let mut cells = Vec::new();
    let mut start = 0;
    let mut previous = ' ';
    for (at, it) in row.char_indices() {
        if it == '|' && previous != '\\' {
            cells.push(row[start..at].trim());
            start = at + 1;
        }
        previous = it;
    }
    cells.push(row[start..].trim());
    cells
}

/// The anchor that GitHub generates for a heading.
fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter_map(|it| match it {
        ' ' => Some('-'),
        it if it.is_alphanumeric() || it == '-' || it == '_' => Some(it),
        _ => None,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document {
            path: "docs/a.md".into(),
            text: text.into(),
        }
    }

    #[test]
    fn code_is_told_from_prose() {
        let it = document("a `b\nc` [d](e#f)\n\n```sh\n`g` [h](i)\n```\n`[j](k)` l\n");
        assert_eq!(it.code_spans(), ["b c", "[j](k)"]);
        assert_eq!(it.code_lines(), ["`g` [h](i)"]);
        assert_eq!(it.links(), ["e#f"]);
    }

    #[test]
    fn headings_are_linked_to_as_on_github() {
        let it = document("# `a_b`: C & d\n## Two\n```\n# no\n```\n## Two\n");
        assert_eq!(it.anchors(), ["a_b-c--d", "two", "two-1"]);
    }

    #[test]
    fn tables_are_taken_apart_by_their_bars() {
        let it = document("| a | b |\n| --- | --- |\n| c \\| d | |\n\n| e |\n");
        let rows = |index: usize| it.tables()[index].clone();
        assert_eq!(rows(0)[2], ["c \\| d", ""]);
        assert_eq!(rows(1), [["e"]]);
    }
}
