//! exporter-toolkit's published cases of web configuration, as tables of our own: what a file says,
//! what a client does, what comes of it (`docs/spec/http.md`).
//!
//! Where this exporter does something else on purpose, the last column says what the toolkit does and
//! why it differs here.

mod behaviours;
mod reloads;
mod starts;
mod users;

use std::sync::Arc;

use coder_agent_exporter::web::LiveConfig;

use crate::harness::*;

/// A database that is not there: nothing here asks it.
const NOWHERE: &str = "postgres://u@/d?host=/nowhere";

/// As the toolkit does.
const SAME: &str = "";

/// A folder with certificates: the server's for 127.0.0.1, a client's of the same authority and one
/// of an authority that nobody knows, both for `client.example`.
fn certified() -> Folder {
    let (folder, authority) = (Folder::new(), Authority::new());
    folder.write("ca.pem", &authority.certificate);
    let stranger = Authority::new();
    for (name, (certificate, key)) in [
        ("server", authority.issue(&["127.0.0.1"])),
        ("known", authority.issue(&["client.example"])),
        ("strange", stranger.issue(&["client.example"])),
    ] {
        folder.write(&format!("{name}.crt"), &certificate);
        folder.write(&format!("{name}.key"), &key);
    }
    folder
}

/// An exporter with this web configuration, in this folder.
async fn serving(folder: &Folder, file: &str) -> Exporter {
    let path = folder.write("web.yml", file);
    let config = LiveConfig::load(Some(path.as_ref())).unwrap();
    let config = Arc::new(config);
    Exporter::start(NOWHERE, |it| it.web.lifecycle.config = config).await
}

/// A user of that password, at the least cost.
fn user(name: &str, password: &str) -> String {
    format!("  {name}: {}\n", bcrypt::hash(password, 4).unwrap())
}
