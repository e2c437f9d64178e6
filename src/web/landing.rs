//! The landing page: where to look.

use super::settings::Settings;

/// What a browser may do with the page: nothing but show it.
pub(super) const CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A plain page of links. Nothing on it comes from a user; the one setting is escaped.
pub(super) fn page(settings: &Settings) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let metrics = escape(&settings.telemetry_path);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Coder agent exporter</title>
</head>
<body>
<main>
<h1>Coder agent exporter</h1>
<p>Version {version}. Counts the workspace agents of a Coder deployment by health.</p>
<ul>
<li><a href="{metrics}">Metrics</a></li>
<li><a href="/-/ready">Ready</a>: is the database reached, and its schema supported?</li>
<li><a href="/-/healthy">Healthy</a>: does this process answer?</li>
<li><a href="/-/config">Settings</a> in effect, without secrets</li>
</ul>
</main>
</body>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
