//! What Coder is asked for, but for dials.

use enum_map::EnumMap;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::{ErrorKind, Failure};
use crate::fleet::model::coder::{HealthSection, Severity};
use crate::fleet::model::label_value::Variants;

use super::{CoderApi, trouble};

impl CoderApi {
    /// Coder's version, which needs no token.
    ///
    /// # Errors
    ///
    /// When Coder does not say.
    pub async fn version(&self) -> Result<String, Failure> {
        let answer = self.ask(&["api", "v2", "buildinfo"]).await?;
        text(answer.object()?, "version")
    }

    /// The name of the token's user.
    ///
    /// # Errors
    ///
    /// When the token is not valid, or Coder does not say.
    pub async fn username(&self) -> Result<String, Failure> {
        let path = ["api", "v2", "users", "me"];
        text(self.ask_with_token(&path).await?.object()?, "username")
    }

    /// Whether the token may read this agent, without a dial.
    ///
    /// # Errors
    ///
    /// When it may not, or Coder does not say.
    pub async fn may_read(&self, agent: Uuid) -> Result<(), Failure> {
        let agent = agent.to_string();
        let path = ["api", "v2", "workspaceagents", &agent];
        let answer = self.ask_with_token(&path).await?;
        if answer.status == 404 && answer.body.is_not_found() {
            let message = format!(
                "the token may not read agents (404 for {agent}): use the token of a user with the \
                 role template admin"
            );
            return Err(Failure::new(ErrorKind::Permission, message));
        }
        answer.object().map(drop)
    }

    /// How bad Coder finds each section of its own health report. A section that this Coder does
    /// not have, or whose word is not known, is `None`.
    ///
    /// # Errors
    ///
    /// When the token may not read it, or Coder does not say.
    pub async fn health_report(&self) -> Result<EnumMap<HealthSection, Option<Severity>>, Failure> {
        let path = ["api", "v2", "debug", "health"];
        let report = self.ask_for_much(&path).await?.object()?;
        Ok(EnumMap::from_fn(|section: HealthSection| {
            report.get(section.as_str()).and_then(severity)
        }))
    }
}

fn severity(section: &Value) -> Option<Severity> {
    section.get("severity")?.as_str()?.parse().ok()
}

/// A text that must be there, short enough for a label.
fn text(object: Map<String, Value>, key: &str) -> Result<String, Failure> {
    let text = object.get(key).and_then(Value::as_str);
    let text = text.map(|it| it.chars().take(64).collect());
    text.ok_or_else(|| trouble(200, &super::Body::Object(object)))
}
