//! Error responses: `application/problem+json` (RFC 9457).

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use crate::error::Failure;
use crate::fleet::model::label_value::Variants;

use super::answer::json;

/// The media type of problem documents.
pub(super) const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Type of the problem. It is a name, not an address.
    #[serde(rename = "type")]
    #[schemars(schema_with = "kinds")]
    kind: &'static str,
    /// Short description of the type of problem.
    title: &'static str,
    /// HTTP status of the response.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// Name of the invalid parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// Kind of the database error, as the label `kind` of `coder_exporter_errors_total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<&'static str>,
}

/// The types of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(
    serialize_all = "kebab-case",
    prefix = "urn:coder-agent-exporter:problem:"
)]
enum Kind {
    BadParameter,
    NoSuchAgent,
    NoSuchPath,
    MethodNotAllowed,
    Busy,
    #[strum(serialize = "fleet-unknown")]
    Unknown,
    Broken,
}

impl Kind {
    const fn status_and_title(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadParameter => (StatusCode::BAD_REQUEST, "Invalid parameter"),
            Self::NoSuchAgent => (StatusCode::NOT_FOUND, "Agent not found"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "Path not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Too many requests"),
            Self::Unknown => (StatusCode::SERVICE_UNAVAILABLE, "The agents are not known"),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        }
    }
}

fn kinds(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names: Vec<_> = Kind::ALL.iter().map(|it| it.as_str()).collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}

impl Problem {
    fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (status, title) = kind.status_and_title();
        Self {
            kind: kind.as_str(),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            error_kind: None,
        }
    }

    /// 400: the value of this parameter is invalid. The value itself is not repeated.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self {
            parameter: Some(name.to_owned()),
            ..Self::new(Kind::BadParameter, detail)
        }
    }

    /// 404: no agent of the population has this id.
    pub(super) fn no_such_agent() -> Self {
        let detail = "no agent of any workspace's latest build has this id; each build creates agents \
                      with new ids";
        Self::new(Kind::NoSuchAgent, detail)
    }

    /// 404: the API has no such path.
    pub(super) fn no_such_path() -> Self {
        let detail = "see /api/v1/openapi.json for all paths";
        Self::new(Kind::NoSuchPath, detail)
    }

    /// 405: the API is read-only.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(Kind::MethodNotAllowed, "use GET or HEAD")
    }

    /// 503: the maximum number of requests is in progress.
    pub(super) fn busy() -> Self {
        Self::new(Kind::Busy, "try again, or raise --web.max-requests")
    }

    /// 503: the database did not answer, or the collector failed.
    pub(super) fn failed(failure: &Failure) -> Self {
        Self {
            error_kind: Some(failure.kind.as_str()),
            ..Self::new(Kind::Unknown, failure.message.as_str())
        }
    }

    /// 503: agents are unknown.
    pub(super) fn without_agents(why: &str) -> Self {
        Self::new(Kind::Unknown, why)
    }

    /// 500: the response could not be serialized.
    pub(super) fn broken() -> Self {
        Self::new(Kind::Broken, "see the log of the exporter")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let mut response = (
            status,
            [
                (header::CONTENT_TYPE, CONTENT_TYPE),
                (header::CACHE_CONTROL, "no-store"),
            ],
            json(&self).unwrap_or_default(),
        )
            .into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let retry: (HeaderName, _) = (header::RETRY_AFTER, 5.into());
            response.headers_mut().insert(retry.0, retry.1);
        }
        response
    }
}
