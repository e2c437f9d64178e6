//! The paths of the API with parameters and responses, for the OpenAPI document.

use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use crate::fleet::model::label_value::Variants;
use crate::fleet::report::csv;
use crate::web::links::Links;

use super::agents::{AgentAnswer, AgentPage};
use super::example::Examples;
use super::fleet::FleetAnswer;
use super::incidents::IncidentList;
use super::parameters::Parameter;
use super::problem::{self, Problem};

/// The paths object of the OpenAPI document.
pub(super) fn operations(schemas: &mut SchemaGenerator, links: &Links) -> Value {
    let examples = Examples::new(links);
    let problem = answer::<Problem>(schemas, problem::CONTENT_TYPE, None);
    let fleet = answer::<FleetAnswer<'_>>(schemas, JSON, Some(&examples.fleet));
    let page = answer::<AgentPage<'_>>(schemas, JSON, Some(&examples.page));
    let agent = answer::<AgentAnswer<'_>>(schemas, JSON, Some(&examples.agent));
    let incidents = answer::<IncidentList>(schemas, JSON, Some(&examples.incidents));
    let mut page_answers = answers(page, &problem, &["400", "503"]);
    page_answers["200"]["content"][csv::CONTENT_TYPE] = json!({ "schema": { "type": "string" } });
    page_answers["200"]["headers"]["Link"] = header("Address of the next page, if there is one");
    let itself = json!({ JSON: { "schema": { "type": "object" } } });
    json!({
        "/api/v1/fleet": { "get": {
            "operationId": "fleet",
            "summary": "Summary of the fleet",
            "parameters": [tag()],
            "responses": answers(fleet, &problem, &["400", "503"]),
        } },
        "/api/v1/agents": { "get": {
            "operationId": "agents",
            "summary": "Agents, filtered and sorted by id",
            "parameters": list_parameters(&examples),
            "responses": page_answers,
        } },
        "/api/v1/agents/{id}": { "get": {
            "operationId": "agent",
            "summary": "One agent",
            "parameters": [id(&examples), tag()],
            "responses": answers(agent, &problem, &["400", "404", "503"]),
        } },
        "/api/v1/incidents": { "get": {
            "operationId": "incidents",
            "summary": "What agents with problems have in common",
            "parameters": [tag()],
            "responses": answers(incidents, &problem, &["400", "503"]),
        } },
        "/api/v1/openapi.json": { "get": {
            "operationId": "openapi",
            "summary": "This description",
            "parameters": [tag()],
            "responses": answers(itself, &problem, &["400"]),
        } },
    })
}

const JSON: &str = "application/json";

/// The content of a response of this type.
fn answer<T: JsonSchema>(
    schemas: &mut SchemaGenerator,
    media_type: &str,
    example: Option<&Value>,
) -> Value {
    let mut content = json!({ "schema": schemas.subschema_for::<T>() });
    if let Some(example) = example {
        content["example"] = example.clone();
    }
    json!({ media_type: content })
}

/// The responses of a path: `content` for 200, and these problems.
fn answers(content: Value, problem: &Value, problems: &[&str]) -> Value {
    let tag = header("Identifies this content, whatever its compression");
    let mut answers = json!({
        "200": { "description": "Success", "headers": { "ETag": tag }, "content": content },
        "304": { "description": "Not modified: the client has this content", "headers": { "ETag": tag } },
    });
    // Before anything here is asked; in plain text.
    for (status, description) in [
        ("401", "Password missing or wrong"),
        ("429", "More requests than the rate limit allows"),
    ] {
        let content = json!({ "text/plain": { "schema": { "type": "string" } } });
        answers[status] = json!({ "description": description, "content": content });
    }
    for &status in problems {
        let description = match status {
            "400" => "A parameter is invalid or unknown",
            "404" => "No agent of any workspace's latest build has this id",
            _ => {
                "The database did not answer, agents are not known, or there are too many requests"
            }
        };
        let mut content = problem.clone();
        if status == "503" {
            content["text/plain"] = json!({ "schema": { "type": "string" } });
        }
        answers[status] = json!({ "description": description, "content": content });
    }
    answers["405"] = json!({
        "description": "Method not allowed: use GET or HEAD",
        "headers": { "Allow": header("Allowed methods") },
        "content": problem,
    });
    answers
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

fn list_parameters(examples: &Examples) -> Value {
    let parameters = Parameter::ALL.iter().map(|it| {
        let mut parameter = json!({
            "name": it.as_str(),
            "in": "query",
            "description": it.help(),
            "schema": it.schema(),
        });
        if it.is_list() {
            parameter["style"] = "form".into();
            parameter["explode"] = true.into();
        }
        if let Some(example) = example(*it, examples) {
            parameter["example"] = example;
        }
        parameter
    });
    parameters.chain([tag()]).collect()
}

fn example(parameter: Parameter, examples: &Examples) -> Option<Value> {
    Some(match parameter {
        Parameter::Health => json!(["problem"]),
        Parameter::Status => json!(["disconnected", "timeout"]),
        Parameter::Kind => json!(["root"]),
        Parameter::Organization => json!(["research"]),
        Parameter::Template => json!(["gpu-lab"]),
        Parameter::Owner => json!(["margaret-h"]),
        Parameter::Workspace => json!(["build-box"]),
        Parameter::TemplateVersion => json!(["research/gpu-lab/v12"]),
        Parameter::AgentVersion => json!(["v2.36.1"]),
        Parameter::CoderdReplica => json!(["3f1f2f0e-8a53-4d51-9d6e-0c5b7f7d1f11"]),
        Parameter::Provisioner => json!(["provisioner-1"]),
        Parameter::ResourceType => json!(["aws_instance"]),
        Parameter::Text => json!("margaret-h/build"),
        Parameter::Incident => json!(examples.incident_id),
        Parameter::Format | Parameter::Limit => return None,
        Parameter::Cursor => json!(examples.cursor),
    })
}

fn id(examples: &Examples) -> Value {
    json!({
        "name": "id",
        "in": "path",
        "required": true,
        "description": "Id of the agent",
        "schema": { "type": "string", "format": "uuid" },
        "example": examples.id,
    })
}

fn tag() -> Value {
    json!({
        "name": "If-None-Match",
        "in": "header",
        "description": "ETag of an earlier response. The status is 304 if the content is the same.",
        "schema": { "type": "string" },
    })
}
