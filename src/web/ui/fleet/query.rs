//! The query parameters of the fleet's page. Invalid ones are ignored, never an error.

use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::facet::Facet;
use crate::fleet::select::selection::{Direction, Selection, SortKey};
use crate::incident::identity::IncidentId;

/// Number of rows that are shown unless the address says another.
pub(super) const STEP: usize = 100;

/// Maximum number of rows at a time, because a browser takes half a second for thousands.
pub(super) const MOST: usize = 500;

/// Value of `health` that selects all classes that are problems, as in the API.
const PROBLEM: &str = "problem";

/// Maximum length of the text, which is longer than owner, workspace and agent together.
const LONGEST_TEXT: usize = 200;

/// The parsed query parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// Filter and order of the agents.
    pub(super) selection: Selection,
    /// Number of rows to show.
    pub(super) show: usize,
    /// Number of selected agents before the first row.
    pub(super) from: usize,
    /// By what agents are grouped.
    pub(super) group: Facet,
}

impl Default for Query {
    fn default() -> Self {
        Self::from(Selection::default())
    }
}

impl From<Selection> for Query {
    fn from(selection: Selection) -> Self {
        Self {
            selection,
            show: STEP,
            from: 0,
            group: Facet::default(),
        }
    }
}

/// Parses the query of a URL. Invalid parameters are ignored, with a note for each.
pub(super) fn read(query: &str) -> (Query, Vec<String>) {
    let mut found = Query::default();
    let mut notes = Vec::new();
    for pair in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        // A form sends what is empty too.
        if value.is_empty() {
            continue;
        }
        if let Err(note) = found.take(&name, value)
            && !notes.contains(&note)
        {
            notes.push(note);
        }
    }
    (found, notes)
}

impl Query {
    fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        let selection = &mut self.selection;
        if let Ok(facet) = name.parse::<Facet>() {
            let wanted = (facet, value);
            if !selection.facets.contains(&wanted) {
                selection.facets.push(wanted);
            }
            return Ok(());
        }
        match name {
            "agents" => {
                let problem = || "agents must be all".to_owned();
                selection.all = (value == "all").then_some(true).ok_or_else(problem)?;
            }
            "group" => self.group = known::<Facet>("group", &value)?,
            "q" => selection.text = value.chars().take(LONGEST_TEXT).collect(),
            "health" => {
                for name in value.split(',') {
                    if name == PROBLEM {
                        continue;
                    }
                    let health = known::<Health>("health", name)?;
                    if !selection.health.contains(&health) {
                        selection.health.push(health);
                    }
                }
            }
            "incident" => {
                let id = value.parse::<IncidentId>();
                let problem = |_| "incident must be the id of an incident".to_owned();
                selection.incident = Some(id.map_err(problem)?.to_string());
            }
            "sort" => {
                let descending = value.strip_prefix('-');
                selection.sort = known::<SortKey>("sort", descending.unwrap_or(&value))?;
                selection.direction = match descending {
                    Some(_) => Direction::Descending,
                    None => Direction::Ascending,
                };
            }
            "show" => {
                let problem = || format!("show must be a number from 1 to {MOST}");
                let show: usize = value.parse().map_err(|_| problem())?;
                self.show = show.clamp(1, MOST);
                if self.show != show {
                    return Err(problem());
                }
            }
            "from" => {
                let problem = |_| "from must be a number".to_owned();
                self.from = value.parse::<u32>().map_err(problem)? as usize;
            }
            _ => {
                let facets: Vec<_> = Facet::ALL.iter().map(|it| it.as_str()).collect();
                let names = format!(
                    "{}, agents, health, q, incident, group, sort, from and show",
                    facets.join(", ")
                );
                return Err(format!("the parameters of this page are {names}"));
            }
        }
        Ok(())
    }

    /// The query of a URL with these parameters; empty for the defaults.
    pub(super) fn write(&self) -> String {
        let selection = &self.selection;
        let mut pairs = Vec::new();
        let mut push = |name: &str, value: &str| pairs.push(format!("{name}={}", encoded(value)));
        if !selection.health.is_empty() {
            let names: Vec<_> = selection.health.iter().map(|it| it.as_str()).collect();
            push("health", &names.join(","));
        }
        for (facet, value) in &selection.facets {
            push(facet.as_str(), value);
        }
        if selection.all {
            push("agents", "all");
        }
        if !selection.text.trim().is_empty() {
            push("q", &selection.text);
        }
        if let Some(id) = &selection.incident {
            push("incident", id);
        }
        let sort = self.sort();
        if sort != SortKey::default().as_str() {
            push("sort", &sort);
        }
        if self.group != Facet::default() {
            push("group", self.group.as_str());
        }
        if self.from != 0 {
            push("from", &self.from.to_string());
        }
        if self.show != STEP {
            push("show", &self.show.to_string());
        }
        pairs.join("&")
    }

    /// The page of this query on another page of the fleet's data, such as `/agents.csv`.
    pub(super) fn of_all(&self) -> Self {
        Self {
            from: 0,
            show: STEP,
            group: Facet::default(),
            ..self.clone()
        }
    }

    /// The same agents grouped by another field.
    pub(super) fn grouped_by(&self, group: Facet) -> Self {
        Self {
            group,
            ..self.clone()
        }
    }

    /// The same page with another selection, from its first row.
    pub(super) fn with(&self, selection: Selection) -> Self {
        Self {
            selection,
            from: 0,
            ..self.clone()
        }
    }

    /// The value of the parameter `sort`.
    pub(super) fn sort(&self) -> String {
        let name = self.selection.sort.as_str();
        match self.selection.direction {
            Direction::Ascending => name.to_owned(),
            Direction::Descending => format!("-{name}"),
        }
    }

    /// The same agents sorted by `key`, in the other direction if they are sorted by it already.
    pub(super) fn sorted_by(&self, key: SortKey) -> Self {
        let mut next = self.clone();
        next.from = 0;
        let is_turned =
            self.selection.sort == key && self.selection.direction == Direction::Ascending;
        next.selection.sort = key;
        next.selection.direction = match is_turned {
            true => Direction::Descending,
            false => Direction::Ascending,
        };
        next
    }
}

/// Parses a value. The error contains no part of the request.
fn known<V: Variants + FromStr>(parameter: &str, name: &str) -> Result<V, String> {
    name.parse().map_err(|_| {
        let names: Vec<_> = V::ALL.iter().map(|it| it.as_str()).collect();
        format!("{parameter} must be one of {}", names.join(", "))
    })
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Characters that are percent-encoded; the rest stays readable.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b',');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn address_says_what_is_wanted_and_reads_back() {
        let address = "health=disconnected,start_error&organization=acme&template=aws-linux\
                       &agents=all&q=ada/box&incident=00c0ffee00c0ffee&sort=-since&group=owner&from=100&show=200";
        let (query, notes) = read(address);
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(
            query.selection.health,
            [Health::Disconnected, Health::StartError]
        );
        assert_eq!(query.selection.value(Facet::Template), Some("aws-linux"));
        assert!(query.selection.all);
        assert_eq!((query.group, query.from), (Facet::Owner, 100));
        assert_eq!(query.selection.direction, Direction::Descending);
        assert_eq!(query.show, 200);
        assert_eq!(query.write(), address);
    }

    #[test]
    fn what_a_form_leaves_empty_says_nothing() {
        let (query, notes) =
            read("organization=&template=&q=&sort=since&health=starting&health=off");
        assert_eq!(query.write(), "health=starting");
        assert_eq!(notes.len(), 1);
        assert_eq!(read(""), (Query::default(), vec![]));
        assert_eq!(Query::default().write(), "");
        assert_eq!(read("health=problem"), (Query::default(), vec![]));
    }

    #[test]
    fn what_means_nothing_is_left_out_with_a_note() {
        for address in [
            "health=nonsense",
            "incident=1",
            "sort=age",
            "sort=--since",
            "show=many",
            "show=0",
            "show=999999999",
            "show=-1",
            "from=-1",
            "agents=some",
            "group=age",
            "other=1",
        ] {
            let (query, notes) = read(address);
            assert_eq!(query.selection, Selection::default(), "{address}");
            assert_eq!(notes.len(), 1, "{address}");
        }
        assert_eq!(read("show=999999").0.show, MOST);
    }

    #[test]
    fn order_turns_where_it_is_asked_for_again() {
        let query = Query::default();
        let turned = query.sorted_by(SortKey::Since);
        assert_eq!(turned.sort(), "-since");
        assert_eq!(turned.sorted_by(SortKey::Since), query);
        assert_eq!(turned.sorted_by(SortKey::Owner).sort(), "owner");
    }

    proptest! {
        #[test]
        fn any_address_is_read_and_what_it_says_reads_back(address in ".{0,120}") {
            let (query, _) = read(&address);
            let written = query.write();
            let (again, notes) = read(&written);
            prop_assert_eq!(notes, Vec::<String>::new());
            prop_assert_eq!(again.write(), written);
        }

        #[test]
        fn any_name_reads_back(name in ".{1,64}") {
            let query = Query::from(Selection::default().with(Facet::Template, Some(&name)));
            prop_assert_eq!(read(&query.write()).0, query);
        }
    }
}
