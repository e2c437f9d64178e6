//! Style sheet, script and icon, which are compiled into the program. Their names contain a digest
//! of the content, so browsers cache them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

/// A static file of the pages.
struct Asset {
    /// File name with the first characters of the content's digest.
    name: String,
    content_type: &'static str,
    content: &'static str,
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("css", "text/css", include_str!("assets/style.css")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", "text/javascript", include_str!("assets/app.js")));
static READER: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("js", "text/javascript", include_str!("assets/reader.js")));
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("svg", "image/svg+xml", include_str!("assets/icon.svg")));

/// Path of the style sheet.
pub(super) fn style() -> String {
    STYLE.path()
}

/// Paths of the scripts.
pub(super) fn scripts() -> [String; 2] {
    [SCRIPT.path(), READER.path()]
}

/// Path of the icon.
pub(super) fn icon() -> String {
    ICON.path()
}

/// Serves a static file.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let assets = [&STYLE, &SCRIPT, &READER, &ICON];
    match assets.into_iter().find(|it| it.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = digest(&SHA256, content.as_bytes());
        let digest: String = digest
            .as_ref()
            .iter()
            .take(6)
            .map(|it| format!("{it:02x}"))
            .collect();
        Self {
            name: format!("{digest}.{extension}"),
            content_type,
            content,
        }
    }

    fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}
