//! Arguments that name a workspace or an agent: a UUID, `owner/workspace`, or
//! `owner/workspace.agent` (`docs/spec/command-line.md`).

use std::str::FromStr;

use uuid::Uuid;

/// A parsed name of a workspace or an agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// The id of a workspace or an agent.
    Id(Uuid),
    /// The names of a workspace and optionally of one of its agents.
    Named {
        /// `users.username` of the workspace's owner.
        owner: Box<str>,
        /// `workspaces.name`.
        workspace: Box<str>,
        /// `workspace_agents.name`; `None` for the workspace.
        agent: Option<Box<str>>,
    },
}

/// The text is not a valid name of a workspace or an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("use a UUID, owner/workspace or owner/workspace.agent")]
pub struct NoReference;

impl FromStr for Reference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        // Only the usual form: uuid would take braces and urn: as well.
        if text.len() == 36
            && let Ok(id) = Uuid::try_parse(text)
        {
            return Ok(Self::Id(id));
        }
        let (owner, rest) = text.split_once('/').ok_or(NoReference)?;
        let (workspace, agent) = match rest.split_once('.') {
            Some((workspace, agent)) => (workspace, Some(agent)),
            None => (rest, None),
        };
        let parts = [Some(owner), Some(workspace), agent];
        if !parts.into_iter().flatten().all(is_name) {
            return Err(NoReference);
        }
        Ok(Self::Named {
            owner: owner.into(),
            workspace: workspace.into(),
            agent: agent.map(Into::into),
        })
    }
}

/// Coder's names are ASCII words with hyphens. Other printable characters except separators are
/// also accepted, so that unusual rows can be found.
fn is_name(text: &str) -> bool {
    let odd = |it: char| it.is_control() || it.is_whitespace() || it == '/' || it == '.';
    !text.is_empty() && text.chars().count() <= 128 && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_names_are_told_apart() {
        let id = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
        assert_eq!(id.parse(), Ok(Reference::Id(Uuid::parse_str(id).unwrap())));
        let named = |agent: Option<&str>| Reference::Named {
            owner: "ada".into(),
            workspace: "build-box".into(),
            agent: agent.map(Into::into),
        };
        assert_eq!("ada/build-box".parse(), Ok(named(None)));
        assert_eq!("ada/build-box.main".parse(), Ok(named(Some("main"))));
    }

    #[test]
    fn nothing_else_is_taken() {
        let long = format!("a/{}", "b".repeat(129));
        for text in [
            "",
            "/",
            "ada",
            "ada/",
            "/box",
            "ada/box.",
            "ada/box.a.b",
            "a/b/c",
            "a b/c",
            "a/b\nc",
            "3fa85f6457174562b3fc2c963f66afa6",
            "{3fa85f64-5717-4562-b3fc-2c963f66afa6}",
            &long,
        ] {
            assert_eq!(text.parse::<Reference>(), Err(NoReference), "{text:?}");
        }
    }
}
