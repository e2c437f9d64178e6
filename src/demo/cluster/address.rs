//! Addresses of a temporary Postgres server.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that are percent-encoded in a URL. The set is minimal, because people read these
/// URLs.
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A free TCP port of 127.0.0.1.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// The URL of `database` for `user` over the Unix socket in `folder`.
pub(in crate::demo) fn socket_url(user: &str, database: &str, folder: &Path, port: u16) -> String {
    let folder = encoded(&folder.to_string_lossy());
    let (user, database) = (encoded(user), encoded(database));
    format!("postgres://{user}@/{database}?host={folder}&port={port}")
}

/// The text, percent-encoded for a URL.
pub(in crate::demo) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}
