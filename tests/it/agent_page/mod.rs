//! `/agents/<id>`: one agent, for a person.

mod cost;
mod probing;
mod rows;
mod ways;

use crate::harness::*;

/// A page that is there, with what every page has.
async fn page(exporter: &Exporter, path: &str) -> String {
    let response = exporter.get(path).await;
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    response.body
}

/// The text of a page without its markup, each run of spaces as one. What stands apart on the
/// page stands apart here.
fn text(page: &str) -> String {
    let is_inline = |tag: &str| {
        let name = tag.trim_start_matches('/');
        let name = name.split(|it: char| !it.is_alphanumeric()).next();
        name.is_some_and(|it| INLINE.contains(&it))
    };
    let mut text = String::new();
    for part in page.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        if !is_inline(tag) {
            text.push(' ');
        }
        text.push_str(rest);
    }
    let text = text.replace("&amp;", "&").replace("&lt;", "<");
    let text = text.replace("&gt;", ">").replace("&quot;", "\"");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

const INLINE: [&str; 7] = ["a", "bdi", "code", "span", "strong", "summary", "time"];

/// The section of this key.
#[track_caller]
fn part<'a>(page: &'a str, key: &str) -> &'a str {
    let start = page.find(&format!("data-key=\"{key}\"")).expect(key);
    let rest = &page[start..];
    &rest[..rest.find("</section>").unwrap_or(rest.len())]
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing:\n{text}");
    }
}
