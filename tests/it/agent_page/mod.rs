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

/// The text of a page without its markup, each run of spaces as one.
fn text(page: &str) -> String {
    let mut text = String::new();
    for part in page.split('<') {
        text.push_str(part.split_once('>').map_or(part, |it| it.1));
    }
    let text = text.replace("&amp;", "&").replace("&lt;", "<");
    let text = text.replace("&gt;", ">").replace("&quot;", "\"");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

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
