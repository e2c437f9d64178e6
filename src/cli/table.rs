//! A table: for people as wide as it may be, for programs as CSV or as names.

use std::cmp::Ordering;

use clap::builder::styling::Style;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::config::SettingError;
use crate::fleet::report::sanitize::sanitize;

use super::text::{FAINT, STRONG, fit, styled};
use super::width::{Width, cut};

/// Columns between two columns.
const GAP: usize = 2;

/// Names are cut down to this, if need be.
const SHORTEST_NAME: usize = 8;

/// What is said once below a table with a name that was cut.
const CUT: &str = "Names are cut to fit. -o wide, or a pipe, shows them whole.";

/// In which formats a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// In every format.
    Always,
    /// From the wide table on.
    Wide,
    /// In CSV only.
    Fields,
}

/// A column: the name of its field in JSON and CSV, and its title.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) field: &'static str,
    pub(super) title: &'static str,
    pub(super) shown: Shown,
    /// Whether its cells are names, which are cut where the terminal is too narrow.
    pub(super) is_name: bool,
}

impl Column {
    pub(super) const fn new(field: &'static str, title: &'static str, shown: Shown) -> Self {
        Self {
            field,
            title,
            shown,
            is_name: false,
        }
    }

    pub(super) const fn name(field: &'static str, title: &'static str, shown: Shown) -> Self {
        Self {
            is_name: true,
            ..Self::new(field, title, shown)
        }
    }
}

/// A value, how it is shown, and in which colour.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    value: Value,
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn new(value: impl Into<Value>) -> Self {
        let value = value.into();
        let text = plain(&value);
        Self {
            value,
            text,
            style: Style::new(),
        }
    }

    /// Shown so, sorted by its value.
    pub(super) fn shown(self, text: String) -> Self {
        Self { text, ..self }
    }

    pub(super) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// A row: a cell for each column, and the name of what it is about.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// Rows under columns.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// The sum, last in the table for people, and nowhere else.
    pub(super) sum: Option<Row>,
}

/// How a table for people is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: Width,
    pub(super) wide: bool,
    pub(super) headers: bool,
}

impl Table {
    /// Sorts by this column, where one is wanted: its field or title in any case, after a minus in
    /// reverse. Rows that are equal in it keep their order, and cells without a value come last.
    pub(super) fn sort(&mut self, wanted: Option<&str>) -> Result<(), SettingError> {
        let Some((place, reverse)) = place_to_sort_by(&self.columns, wanted)? else {
            return Ok(());
        };
        self.rows.sort_by(|one, other| {
            let (one, other) = (&one.cells[place].value, &other.cells[place].value);
            match (one.is_null(), other.is_null()) {
                (false, false) if reverse => order(other, one),
                (false, false) => order(one, other),
                (one, other) => one.cmp(&other),
            }
        });
        Ok(())
    }

    /// For people. Wide tables are never cut.
    pub(super) fn text(&self, layout: Layout) -> String {
        let last = match layout.wide {
            true => Shown::Wide,
            false => Shown::Always,
        };
        let columns: Vec<_> = (0..self.columns.len())
            .filter(|&it| self.columns[it].shown <= last)
            .collect();
        let rows: Vec<_> = self.rows.iter().chain(&self.sum).collect();
        let (widths, is_cut) = self.widths(&columns, &rows, layout);
        let mut lines = Vec::new();
        if layout.headers {
            let title = |it: usize| Cell::new(self.columns[it].title.to_uppercase()).styled(STRONG);
            lines.push(self.line(&columns, &widths, title));
        }
        for row in &rows {
            lines.push(self.line(&columns, &widths, |it| row.cells[it].clone()));
        }
        if is_cut {
            lines.push(styled(FAINT, CUT));
        }
        lines.iter().map(|it| format!("{it}\n")).collect()
    }

    /// The widths of these columns, and whether a name does not fit.
    fn widths(&self, columns: &[usize], rows: &[&Row], layout: Layout) -> (Vec<usize>, bool) {
        let width = |&it: &usize| {
            let title = self.columns[it].title.width() * usize::from(layout.headers);
            let cells = rows.iter().map(|row| sanitize(&row.cells[it].text).width());
            cells.chain([title]).max().unwrap_or_default()
        };
        let mut widths: Vec<_> = columns.iter().map(width).collect();
        let Some(room) = layout.width.0.filter(|_| !layout.wide) else {
            return (widths, false);
        };
        let room = room.saturating_sub(GAP * columns.len().saturating_sub(1));
        let mut is_cut = false;
        while widths.iter().sum::<usize>() > room {
            let names = columns.iter().zip(&mut widths);
            let names =
                names.filter(|(it, width)| self.columns[**it].is_name && **width > SHORTEST_NAME);
            let Some((_, widest)) = names.max_by_key(|(_, width)| **width) else {
                break;
            };
            *widest -= 1;
            is_cut = true;
        }
        (widths, is_cut)
    }

    fn line(&self, columns: &[usize], widths: &[usize], cell: impl Fn(usize) -> Cell) -> String {
        let mut line = String::new();
        for (place, (&column, &width)) in columns.iter().zip(widths).enumerate() {
            let Cell { text, style, .. } = cell(column);
            let text = cut(&sanitize(&text), width);
            let is_last = place + 1 == columns.len();
            let text = match self.is_number(column) {
                true => " ".repeat(width - text.width()) + &text,
                false if is_last => text,
                false => fit(&text, width),
            };
            line += &match style == Style::new() {
                true => text,
                false => styled(style, &text),
            };
            if !is_last {
                line += &" ".repeat(GAP);
            }
        }
        line
    }

    /// Whether the cells of a column are numbers as they are: an age is shown as text.
    fn is_number(&self, column: usize) -> bool {
        let mut cells = self
            .rows
            .iter()
            .chain(&self.sum)
            .map(|it| &it.cells[column]);
        let is_number = |it: &Cell| it.value.is_number() && it.text == plain(&it.value);
        cells.next().is_some_and(is_number)
    }

    /// All columns, as RFC 4180 has it but for the line ends.
    pub(super) fn csv(&self, headers: bool) -> String {
        let titles = self.columns.iter().map(|it| it.field.to_owned()).collect();
        let rows = self.rows.iter().map(|row| {
            let fields = row.cells.iter().map(|it| quoted(&plain(&it.value)));
            fields.collect::<Vec<_>>()
        });
        let titles = headers.then_some(titles);
        let lines = titles.into_iter().chain(rows);
        lines.map(|line| line.join(",") + "\n").collect()
    }

    /// A name a line.
    pub(super) fn names(&self) -> String {
        let names = self.rows.iter().map(|row| sanitize(&row.name));
        names.map(|name| name + "\n").collect()
    }
}

/// The place of the column to sort by, and whether in reverse; `None` if none is wanted.
///
/// # Errors
///
/// When there is no such column: all are named.
pub(super) fn place_to_sort_by(
    columns: &[Column],
    wanted: Option<&str>,
) -> Result<Option<(usize, bool)>, SettingError> {
    let Some(wanted) = wanted else {
        return Ok(None);
    };
    let (name, reverse) = match wanted.strip_prefix('-') {
        Some(name) => (name, true),
        None => (wanted, false),
    };
    let is_it = |it: &Column| {
        [it.field, it.title]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(name))
    };
    let place = columns.iter().position(is_it).ok_or_else(|| {
        let fields: Vec<_> = columns.iter().map(|it| it.field).collect();
        let problem = format!(
            "there is no column {:?}; write one of {}, with a minus before it for the reverse order",
            sanitize(name),
            fields.join(", ")
        );
        SettingError::new("--sort", problem)
    })?;
    Ok(Some((place, reverse)))
}

fn order(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => plain(one).cmp(&plain(other)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A field of CSV, whose names reach no terminal.
fn quoted(text: &str) -> String {
    let text = sanitize(text);
    match text.contains(['"', ',']) || text.trim() != text {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> Table {
        let row = |name: &&str| Row {
            name: (*name).to_owned(),
            cells: vec![
                Cell::new(*name),
                Cell::new(name.len()),
                Cell::new(Value::Null),
            ],
        };
        Table {
            columns: vec![
                Column::name("agent_name", "AGENT", Shown::Always),
                Column::new("letters", "LETTERS", Shown::Always),
                Column::new("cause", "CAUSE", Shown::Wide),
            ],
            rows: names.iter().map(row).collect(),
            sum: None,
        }
    }

    fn shown(table: &Table, columns: Option<usize>, wide: bool) -> String {
        let width = Width(columns);
        let text = table.text(Layout {
            width,
            wide,
            headers: true,
        });
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn names_are_cut_to_the_terminal_and_to_nothing_else() {
        let names = [
            "a/bb",
            "team/workspace-of-many.one",
            "team/workspace-of-many.two",
        ];
        let table = table(&names);
        let whole = "\
AGENT                       LETTERS
a/bb                              4
team/workspace-of-many.one       26
team/workspace-of-many.two       26
";
        for columns in [None, Some(35), Some(500)] {
            assert_eq!(shown(&table, columns, false), whole);
        }
        let narrow = shown(&table, Some(34), false);
        assert!(
            narrow.contains("team/workspa…-of-many.two       26\n"),
            "{narrow}"
        );
        assert!(narrow.ends_with(&format!("{CUT}\n")), "{narrow}");
        let wide = shown(&table, Some(34), true);
        assert!(
            wide.contains("team/workspace-of-many.two") && !wide.contains(CUT),
            "{wide}"
        );
        assert!(
            wide.starts_with("AGENT                       LETTERS  CAUSE\n"),
            "{wide}"
        );
    }

    #[test]
    fn wide_characters_keep_columns_aligned() {
        let table = table(&["世界", "e\u{301}e\u{301}", "👩🏽👩🏽👩🏽👩🏽👩🏽👩🏽👩🏽👩🏽"]);
        for columns in [18, 19, 20, 40] {
            let text = shown(&table, Some(columns), false);
            let mut lines: Vec<_> = text.lines().map(UnicodeWidthStr::width).collect();
            if text.contains(CUT) {
                lines.pop();
            }
            assert!(
                lines.iter().all(|it| *it == lines[0] && *it <= columns),
                "{text}"
            );
        }
    }

    #[test]
    fn rows_are_sorted_by_value_either_way_and_keep_their_order() {
        let mut table = table(&["bbb", "a", "ccc", "dddddddddd"]);
        let mut sorted = |by: &str| {
            table.sort(Some(by)).unwrap();
            table.names().replace('\n', " ")
        };
        assert_eq!(sorted("LETTERS"), "a bbb ccc dddddddddd ");
        assert_eq!(sorted("-letters"), "dddddddddd bbb ccc a ");
        assert_eq!(sorted("-agent_name"), "dddddddddd ccc bbb a ");
        assert_eq!(sorted("cause"), "dddddddddd ccc bbb a ");
        let problem = table.sort(Some("age")).unwrap_err().to_string();
        assert!(problem.contains("agent_name, letters, cause"), "{problem}");
    }

    #[test]
    fn fields_are_quoted_as_spreadsheets_read_them() {
        let table = table(&["a \"b\", c", "x\ny", " z"]);
        let expected = "agent_name,letters,cause\n\
                        \"a \"\"b\"\", c\",8,\n\
                        x\u{fffd}y,3,\n\
                        \" z\",2,\n";
        assert_eq!(table.csv(true), expected);
        assert!(expected.ends_with(&table.csv(false)));
    }
}
