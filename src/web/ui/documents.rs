//! Links to the documents of this version, if the URL of the repository is set.

use maud::{Markup, html};

use crate::fleet::rules::explain::Reason;

/// `repository` in `Cargo.toml`, the only place with the URL. Empty if it is not set.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The name of the rule that decided the status, as a link if possible.
pub(super) fn status_rule(reason: &Reason) -> Markup {
    rule(REPOSITORY, reason, "docs/spec/connection-status.md")
}

/// The name of the rule that decided the health class, as a link if possible.
pub(super) fn health_rule(reason: &Reason) -> Markup {
    rule(REPOSITORY, reason, "docs/spec/health.md")
}

/// `(rule silent)`, with a link to the rule on its page if there is a repository.
fn rule(repository: &str, reason: &Reason, page: &str) -> Markup {
    let name = reason.rule;
    let address = document(repository, page);
    html! {
        span class="faint" {
            "(rule "
            @match address {
                Some(address) => { a href={ (address) "#" (name) } rel="noreferrer" { (name) } },
                None => (name),
            }
            ")"
        }
    }
}

/// The URL of a document in this version of the program.
fn document(repository: &str, path: &str) -> Option<String> {
    let version = env!("CARGO_PKG_VERSION");
    let repository = repository.trim_end_matches('/');
    (!repository.is_empty()).then(|| format!("{repository}/blob/v{version}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(repository: &str, expected: &str) {
        let reason = Reason {
            rule: "silent",
            saw: String::new(),
        };
        let shown = rule(repository, &reason, "docs/spec/connection-status.md");
        assert_eq!(shown.into_string(), expected);
    }

    #[test]
    fn rule_is_a_link_only_where_the_repository_is_known() {
        check("", r#"<span class="faint">(rule silent)</span>"#);
        let page = concat!(
            "https://git.example/coder-agent-exporter/blob/v",
            env!("CARGO_PKG_VERSION"),
            "/docs/spec/connection-status.md#silent"
        );
        let link = format!(
            r#"<span class="faint">(rule <a href="{page}" rel="noreferrer">silent</a>)</span>"#
        );
        check("https://git.example/coder-agent-exporter", &link);
        check("https://git.example/coder-agent-exporter/", &link);
    }
}
