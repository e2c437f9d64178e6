//! Parses the query of a URL. Pure.

use std::str::FromStr;

use uuid::Uuid;

use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::select::facet::Facet;
use crate::fleet::select::filter::Filter;
use crate::incident::identity::IncidentId;

use super::cursor;
use super::parameters::{DEFAULT_LIMIT, FORMATS, MAX_LIMIT, PROBLEM, Parameter, names};
use super::problem::Problem;

/// The parsed query of the list of agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AgentsQuery {
    /// Filter for the agents.
    pub(super) filter: Filter,
    /// The incident whose agents are wanted.
    pub(super) incident: Option<IncidentId>,
    /// Whether the page is CSV, and not JSON.
    pub(super) csv: bool,
    /// Maximum number of agents on the page.
    pub(super) limit: usize,
    /// Id after which the page begins; `None` for the first page.
    pub(super) after: Option<Uuid>,
}

/// Parses the query of the list of agents.
///
/// # Errors
///
/// When a parameter is unknown, repeated although only one value is allowed, or has an invalid
/// value. A mistyped filter must not return all agents.
pub(super) fn wanted(query: &str) -> Result<AgentsQuery, Problem> {
    let mut wanted = AgentsQuery {
        filter: Filter::default(),
        incident: None,
        csv: false,
        limit: DEFAULT_LIMIT,
        after: None,
    };
    let mut given = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let parameter = Parameter::from_str(&name);
        let parameter = parameter.map_err(|_| unknown(&name, names::<Parameter>()))?;
        if given.contains(&parameter) && !parameter.is_list() {
            return Err(Problem::parameter(
                &name,
                "the parameter may be given only once",
            ));
        }
        given.push(parameter);
        wanted.take(parameter, &value)?;
    }
    Ok(wanted)
}

/// Checks that the query has no parameters.
///
/// # Errors
///
/// When it has one.
pub(super) fn nothing(query: &str) -> Result<(), Problem> {
    match form_urlencoded::parse(query.as_bytes()).next() {
        None => Ok(()),
        Some((name, _)) => Err(unknown(&name, std::iter::empty())),
    }
}

/// The query with another cursor, in the same order and percent-encoded for a header.
pub(super) fn with_cursor(query: &str, cursor: &str) -> String {
    let name = Parameter::Cursor.as_str();
    let others = form_urlencoded::parse(query.as_bytes()).filter(|(it, _)| it != name);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair(name, cursor)
        .finish()
}

impl AgentsQuery {
    fn take(&mut self, parameter: Parameter, value: &str) -> Result<(), Problem> {
        let filter = &mut self.filter;
        match parameter {
            Parameter::Health => {
                for value in value.split(',') {
                    match value {
                        PROBLEM => filter.health.extend(problems()),
                        _ => filter.health.push(one_of(parameter, value, &[PROBLEM])?),
                    }
                }
            }
            Parameter::Status => take_each(&mut filter.status, parameter, value)?,
            Parameter::Kind => take_each(&mut filter.kind, parameter, value)?,
            Parameter::Organization => filter.organization.push(value.to_owned()),
            Parameter::Template => filter.template.push(value.to_owned()),
            Parameter::Owner => filter.owner.push(value.to_owned()),
            Parameter::Workspace => filter.workspace.push(value.to_owned()),
            Parameter::TemplateVersion => {
                filter.facets.push((Facet::TemplateVersion, value.into()))
            }
            Parameter::AgentVersion => filter.facets.push((Facet::AgentVersion, value.into())),
            Parameter::CoderdReplica => filter.facets.push((Facet::CoderdReplica, value.into())),
            Parameter::Provisioner => filter.facets.push((Facet::Provisioner, value.into())),
            Parameter::ResourceType => filter.facets.push((Facet::ResourceType, value.into())),
            Parameter::Text => filter.text = value.to_owned(),
            Parameter::Incident => {
                let detail = "the value must be the id of an incident";
                let id = value.parse();
                let id = id.map_err(|_| Problem::parameter("incident", detail))?;
                self.incident = Some(id);
            }
            Parameter::Format => {
                let detail = format!("allowed values: {}", FORMATS.join(", "));
                let is_known = FORMATS.contains(&value);
                let known = is_known.then_some(value == "csv");
                self.csv = known.ok_or_else(|| Problem::parameter("format", detail))?;
            }
            Parameter::Limit => self.limit = limit(value)?,
            Parameter::Cursor => {
                let after = cursor::read(value);
                let detail = "use the value of `next` of the previous page, unchanged";
                let after = after.ok_or_else(|| Problem::parameter("cursor", detail))?;
                self.after = Some(after);
            }
        }
        Ok(())
    }
}

fn problems() -> impl Iterator<Item = Health> {
    Health::ALL.iter().copied().filter(|it| it.is_problem())
}

fn take_each<V: Variants + FromStr>(
    taken: &mut Vec<V>,
    parameter: Parameter,
    values: &str,
) -> Result<(), Problem> {
    for value in values.split(',') {
        taken.push(one_of(parameter, value, &[])?);
    }
    Ok(())
}

fn one_of<V: Variants + FromStr>(
    parameter: Parameter,
    value: &str,
    more: &[&'static str],
) -> Result<V, Problem> {
    value.parse().map_err(|_| {
        let known: Vec<_> = names::<V>().chain(more.iter().copied()).collect();
        let detail = format!("allowed values: {}", known.join(", "));
        Problem::parameter(parameter.as_str(), detail)
    })
}

fn limit(value: &str) -> Result<usize, Problem> {
    // Digits alone: parse would take a plus sign.
    let digits = value.bytes().all(|it| it.is_ascii_digit());
    let limit = value.parse().ok().filter(|_| digits);
    limit
        .filter(|it| (1..=MAX_LIMIT).contains(it))
        .ok_or_else(|| {
            let detail = format!("the value must be a whole number from 1 to {MAX_LIMIT}");
            Problem::parameter(Parameter::Limit.as_str(), detail)
        })
}

fn unknown(name: &str, known: impl Iterator<Item = &'static str>) -> Problem {
    let known: Vec<_> = known.collect();
    let detail = match known.is_empty() {
        true => "this path has no parameters".to_owned(),
        false => format!(
            "unknown parameter; the parameters are: {}",
            known.join(", ")
        ),
    };
    Problem::parameter(name, detail)
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
