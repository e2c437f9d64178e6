//! The query parameters of the list of agents, in one table for the parser and the OpenAPI
//! document.

use serde_json::{Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::fleet::model::agent::Kind;
use crate::fleet::model::label_value::Variants;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::status::Status;
use crate::incident::identity;

use super::cursor;

/// Default number of agents on a page.
pub(super) const DEFAULT_LIMIT: usize = 100;

/// Maximum number of agents on a page; they take about 1.2 MB.
pub(super) const MAX_LIMIT: usize = 1000;

/// Value of `health` that selects all classes that are problems.
pub(super) const PROBLEM: &str = "problem";

/// Formats of the list of agents; the first is the default.
pub(super) const FORMATS: [&str; 2] = ["json", "csv"];

/// A parameter of the list of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Parameter {
    Health,
    Status,
    Kind,
    Organization,
    Template,
    Owner,
    Workspace,
    TemplateVersion,
    AgentVersion,
    CoderdReplica,
    Provisioner,
    ResourceType,
    #[strum(serialize = "q")]
    Text,
    Incident,
    Format,
    Limit,
    Cursor,
}

impl Parameter {
    /// Whether it may be repeated. An agent then has to match one of the values.
    pub(super) const fn is_list(self) -> bool {
        !matches!(
            self,
            Self::Text | Self::Incident | Self::Format | Self::Limit | Self::Cursor
        )
    }

    /// Description in one sentence.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Health => {
                "Agents with one of these health classes. `problem` means every class that is a \
                 problem. Repeat the parameter, or separate values with commas."
            }
            Self::Status => {
                "Agents with one of these connection statuses. Repeat the parameter, or separate \
                 values with commas."
            }
            Self::Kind => {
                "Agents of this kind. Repeat the parameter, or separate values with commas."
            }
            Self::Organization => {
                "Agents of the organization with exactly this name. Repeat the parameter for several."
            }
            Self::Template => {
                "Agents of templates with exactly this name. Repeat the parameter for several."
            }
            Self::Owner => {
                "Agents of workspaces whose owner has exactly this name. Repeat the parameter for \
                 several."
            }
            Self::Workspace => {
                "Agents of workspaces with exactly this name. Repeat the parameter for several."
            }
            Self::TemplateVersion => {
                "Agents of latest builds with this template version, as `organization/template/version`. \
                 Repeat the parameter for several."
            }
            Self::AgentVersion => {
                "Agents of exactly this version. Repeat the parameter for several."
            }
            Self::CoderdReplica => {
                "Agents that were last connected to the coderd replica with this id. Repeat the parameter \
                 for several."
            }
            Self::Provisioner => {
                "Agents whose latest build ran on the provisioner daemon with this name, or with this id \
                 where Coder has forgotten the name. Repeat the parameter for several."
            }
            Self::ResourceType => {
                "Agents on resources of this type, such as `aws_instance`. Repeat the parameter for several."
            }
            Self::Text => {
                "Agents whose names or ids contain this text. Case is ignored. The text is searched in \
                 `owner/workspace.agent`, organization, template, and the ids of agent and workspace."
            }
            Self::Incident => {
                "Agents of the incident with this id, as `/api/v1/incidents` has it. There are none \
                 when the incident has ended."
            }
            Self::Format => {
                "`csv` returns the page as CSV with a header; the next page is in the header `Link`."
            }
            Self::Limit => "Maximum number of agents on a page.",
            Self::Cursor => {
                "`next` of the previous page. All other parameters must stay the same. An agent that \
                 exists and matches during the whole listing is returned exactly once."
            }
        }
    }

    /// JSON schema of its values.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Health => {
                let names = names::<Health>().chain([PROBLEM]);
                list(json!({ "type": "string", "enum": names.collect::<Vec<_>>() }))
            }
            Self::Status => list(json!({ "type": "string", "enum": all::<Status>() })),
            Self::Kind => list(json!({ "type": "string", "enum": all::<Kind>() })),
            Self::Organization
            | Self::Template
            | Self::Owner
            | Self::Workspace
            | Self::TemplateVersion
            | Self::AgentVersion
            | Self::CoderdReplica
            | Self::Provisioner
            | Self::ResourceType => list(json!({ "type": "string" })),
            Self::Text => json!({ "type": "string" }),
            Self::Incident => json!({ "type": "string", "pattern": identity::PATTERN }),
            Self::Format => json!({ "type": "string", "enum": FORMATS, "default": FORMATS[0] }),
            Self::Limit => json!({
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": DEFAULT_LIMIT,
            }),
            Self::Cursor => json!({ "type": "string", "pattern": cursor::PATTERN }),
        }
    }
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn all<V: Variants>() -> Vec<&'static str> {
    names::<V>().collect()
}

/// The values of an enum.
pub(super) fn names<V: Variants>() -> impl Iterator<Item = &'static str> {
    V::ALL.iter().map(|it| it.as_str())
}
