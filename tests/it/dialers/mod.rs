//! Both dialers on real sockets (`docs/spec/resolver.md`; `docs/spec/failures.md`: no agent is
//! blamed for what is ours).

mod coderd;
mod tcp;
mod trust;

use coder_agent_exporter::config::coder_token::Token;
use coder_agent_exporter::resolver::Target;
use uuid::Uuid;

use crate::harness::coderd::TOKEN;

/// An agent of a workspace whose name leads a TCP dial to this machine.
fn target(agent_id: Uuid) -> Target {
    Target {
        workspace_id: Uuid::from_u128(2),
        agent_id,
        agent: "main".into(),
        workspace: "localhost".into(),
        owner: "ada".into(),
        is_external: false,
    }
}

/// The token that the stand-in takes.
fn token() -> Token {
    Token::Value(TOKEN.to_owned().into())
}
