//! `/api/v1/openapi.json`: the OpenAPI document.
//!
//! Schemas are generated from the types of the responses, and lists of values from the enums, so
//! that they are always complete.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Value, json};

use crate::web::links::Links;
use crate::web::state::App;

use super::answer::whole;
use super::operations::operations;
use super::problem::Problem;
use super::query;

const DESCRIPTION: &str = "The agents of a Coder deployment. All data of a response is from one \
     collection and one point in time, by the database's clock. Responses are at most 5 s old: \
     the database is queried at most once in that time, however many clients there are. Unknown \
     values are null, never 0. When nothing is known about the agents, the status is 503.";

/// Serves the OpenAPI document.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query::nothing(query.as_deref().unwrap_or_default())?;
    Ok(whole(&headers, &document(&app.settings.links)))
}

/// The document in OpenAPI 3.1, which uses JSON Schema.
fn document(links: &Links) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|it| {
        it.definitions_path = "/components/schemas".into();
        it.meta_schema = None;
    });
    let mut schemas = SchemaGenerator::new(settings);
    let paths = operations(&mut schemas, links);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "coder-agent-exporter",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "The agents of a Coder deployment and their problems",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": server(links) }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Required when --web.config.file has basic_auth_users.",
                },
            },
        },
        // With or without.
        "security": [{}, { "basic": [] }],
    })
}

/// The server URL: `--web.external-url`, otherwise `/` on the host of the document.
fn server(links: &Links) -> String {
    match &links.external {
        Some(url) => url.as_str().to_owned(),
        None => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All values of `$ref` in the document.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str));
                map.values().for_each(|it| references(it, found));
            }
            Value::Array(list) => list.iter().for_each(|it| references(it, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_it_refers_to_is_there() {
        let document = document(&Links::default());
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 5, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn examples_have_every_field_of_their_schema() {
        let document = document(&Links::default());
        let paths = ["fleet", "agents", "agents/{id}", "incidents"];
        for path in paths {
            let path = &document["paths"][format!("/api/v1/{path}")];
            let content = &path["get"]["responses"]["200"]["content"]["application/json"];
            let reference = content["schema"]["$ref"].as_str().unwrap();
            let schema = document.pointer(&reference[1..]).unwrap();
            let fields = schema["properties"].as_object().unwrap();
            let example = content["example"].as_object().unwrap();
            assert!(fields.len() > 1);
            assert_eq!(
                fields.keys().collect::<Vec<_>>(),
                example.keys().collect::<Vec<_>>(),
                "null, where it is not known, and never left out"
            );
            assert_eq!(schema["required"].as_array().unwrap().len(), fields.len());
        }
    }

    #[test]
    fn server_is_where_a_proxy_has_put_it() {
        let links = Links {
            external: "https://ops.example/agents/".parse().ok(),
            ..Links::default()
        };
        let url = |links: &Links| document(links)["servers"][0]["url"].clone();
        assert_eq!(url(&links), "https://ops.example/agents");
        assert_eq!(url(&Links::default()), "/");
    }
}
