//! Agents as CSV (RFC 4180), with the field names of the API.

use crate::fleet::model::label_value::Variants;
use crate::fleet::report::format::moment;
use crate::fleet::report::sanitize::sanitize;
use crate::fleet::select::selection::Selected;

/// The media type.
pub const CONTENT_TYPE: &str = "text/csv";

/// The columns, in their order.
pub const COLUMNS: [&str; 15] = [
    "workspace_owner",
    "workspace_name",
    "agent_name",
    "health",
    "since",
    "cause",
    "status",
    "last_connected_at",
    "kind",
    "organization_name",
    "template_name",
    "template_version",
    "version",
    "agent_id",
    "workspace_id",
];

/// A header and a line for each agent. An unknown value is empty.
pub fn csv<'a>(agents: impl IntoIterator<Item = Selected<'a>>) -> String {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    for it in agents {
        let cells = row(&it).map(|it| cell(&it));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn row(it: &Selected<'_>) -> [String; COLUMNS.len()] {
    let agent = it.agent;
    let scope = it.scope;
    [
        agent.owner.to_string(),
        agent.workspace.to_string(),
        agent.name.to_string(),
        it.health.as_str().to_owned(),
        it.since.map(moment).unwrap_or_default(),
        it.cause.map_or("", |it| it.as_str()).to_owned(),
        it.status.as_str().to_owned(),
        agent.last_connected_at.map(moment).unwrap_or_default(),
        agent.kind.as_str().to_owned(),
        scope
            .map(|it| it.organization.to_string())
            .unwrap_or_default(),
        scope.map(|it| it.template.to_string()).unwrap_or_default(),
        agent.template_version.to_string(),
        agent.version.to_string(),
        agent.id.to_string(),
        agent.workspace_id.to_string(),
    ]
}

/// A cell. Users choose names, so what a spreadsheet would take for a formula begins with an
/// apostrophe.
fn cell(text: &str) -> String {
    let text = sanitize(text);
    let is_formula = text.starts_with(['=', '+', '-', '@']) && text != "-infinity";
    let apostrophe = if is_formula { "'" } else { "" };
    match text.contains([',', '"', '\n', '\r']) || is_formula {
        true => format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixtures::{agent, at, fleet_of};
    use crate::fleet::model::agent::Agent;
    use crate::fleet::select::selection::Selection;

    #[test]
    fn names_stay_in_their_cell_and_are_no_formula() {
        let lost = Agent {
            owner: "=1+1,\"x\"\ny".into(),
            workspace: "plain".into(),
            last_connected_at: Some(at(-90)),
            ..agent()
        };
        let fleet = fleet_of(vec![lost, agent()]);
        let text = csv(Selection::default().of(&fleet));
        let lines: Vec<_> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0], COLUMNS.join(","));
        let start = "\"'=1+1,\"\"x\"\"\u{fffd}y\",plain,";
        assert!(lines[1].starts_with(start), "{text}");
        assert!(lines[1].contains(",disconnected,"), "{text}");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell(""), "");
    }
}
