//! What others can see of this installation, said once at the start.

use std::net::SocketAddr;

use crate::config::args::ServeArgs;
use crate::config::exposed;
use crate::web::LiveConfig;

/// Warns of files with secrets that every user of the machine can read.
pub(super) fn warn_of_files(args: &ServeArgs, config: &LiveConfig) {
    let url = args.postgres.url_file.as_deref();
    let token = args.exporter.coder.token_file.as_deref();
    let named = [("--postgres.url-file", url), ("--coder.token-file", token)];
    let named = named
        .into_iter()
        .filter_map(|(flag, path)| Some((flag, path?)));
    let of_web = config.secret_files();
    let of_web = of_web.iter().map(|it| ("--web.config.file", it.as_path()));
    for (flag, path) in named.chain(of_web) {
        if let Some(warning) = exposed::warning(flag, path) {
            tracing::warn!("{warning}");
        }
    }
}

/// Warns where everybody who reaches an address can read the names of users and workspaces.
pub(super) fn warn_of_openness(config: &LiveConfig, addresses: &[SocketAddr]) {
    if let Some(address) = open_address(config.is_open(), addresses) {
        tracing::warn!(
            %address,
            "everybody who reaches this address can read the names of users and workspaces, on the \
             pages, in the API and in series: set passwords or client certificates in \
             --web.config.file, or listen on 127.0.0.1; --metrics.agent-labels=ids leaves these \
             names out of series"
        );
    }
}

/// An address where other machines are answered without a password, if there is one.
fn open_address(is_open: bool, addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let mut beyond = addresses.iter().filter(|it| !it.ip().is_loopback());
    beyond.next().copied().filter(|_| is_open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_others_reach_without_a_password_is_open() {
        for (is_open, addresses, expected) in [
            (true, &["[::]:21120"][..], Some("[::]:21120")),
            (true, &["127.0.0.1:1", "10.0.0.7:1"], Some("10.0.0.7:1")),
            (true, &["127.0.0.1:21120", "[::1]:21120"], None),
            (false, &["[::]:21120"], None),
            (true, &[], None),
        ] {
            let listed: Vec<_> = addresses.iter().map(|it| it.parse().unwrap()).collect();
            let found = open_address(is_open, &listed).map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected, "{is_open} {addresses:?}");
        }
    }
}
