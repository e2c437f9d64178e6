//! Basic authentication.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::http::HeaderMap;
use headers::HeaderMapExt;
use headers::authorization::{Authorization, Basic};
use parking_lot::Mutex;
use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;

use crate::config::web_file::PasswordHash;

/// Comparisons at once: each takes a core for as long as its cost says, and the others are for
/// scrapes.
const COMPARISONS: usize = 1;

/// Requests that wait for a comparison, those being compared included. Who guesses passwords
/// fills this, and not the connections.
const WAITING: usize = 64;

/// What the password of an unknown user is compared with, as in exporter-toolkit: a hash of Go's
/// default cost, and not the dearest of the file, which anybody could make the exporter work on.
/// What comes of it is not looked at.
const UNKNOWN_USER: &str = "$2b$10$abcdefghijklmnopqrstuu37RkUr9H1EPO4Rc63Ngz60LSVREthYa";

/// Passwords known to be right: users times clients, in practice a handful.
const KNOWN: usize = 256;

/// What became of a request's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordVerdict {
    /// User and password are right, or no password is required.
    Welcome,
    /// Its user or password is wrong or missing.
    Unknown,
    /// Too many are being compared.
    Busy,
}

/// Compares passwords, and remembers which were right, so that not every scrape costs what a
/// comparison costs.
pub(crate) struct Passwords {
    /// Of this process alone, and never shown; without one nothing is remembered.
    key: Option<hmac::Key>,
    /// Tags of user, hash and password: useless to a reader, and void when the hash
    /// is replaced.
    known: Mutex<HashSet<Vec<u8>>>,
    comparing: Arc<Semaphore>,
    waiting: Semaphore,
    /// The hash of each comparison so far, in order.
    #[cfg(test)]
    compared: Mutex<Vec<String>>,
}

impl Passwords {
    /// Knows no password yet.
    pub(crate) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Self {
            key: key.ok(),
            known: Mutex::default(),
            comparing: Arc::new(Semaphore::new(COMPARISONS)),
            waiting: Semaphore::new(WAITING),
            #[cfg(test)]
            compared: Mutex::default(),
        }
    }

    /// Whether a request with these headers is one of `users`.
    ///
    /// One comparison for every user: where all hashes have the usual cost, the time that a refusal
    /// takes says nothing of which users there are. A password that was right before is not
    /// compared, and so does not wait for those that are.
    pub(crate) async fn check(
        &self,
        users: &BTreeMap<String, PasswordHash>,
        headers: &HeaderMap,
    ) -> PasswordVerdict {
        if users.is_empty() {
            return PasswordVerdict::Welcome;
        }
        let Some(Authorization(given)) = headers.typed_get::<Authorization<Basic>>() else {
            return PasswordVerdict::Unknown;
        };
        let (user, password) = (given.username(), given.password());
        let hash = users.get(user);
        let is_user = hash.is_some();
        let compared = match hash {
            Some(hash) => hash.as_str().to_owned(),
            None => UNKNOWN_USER.to_owned(),
        };
        let tag = self.tag(user, &compared, password);
        if is_user
            && tag
                .as_ref()
                .is_some_and(|tag| self.known.lock().contains(tag))
        {
            return PasswordVerdict::Welcome;
        }
        match self.compare(password.to_owned(), compared).await {
            Some(true) if is_user => {}
            Some(_) => return PasswordVerdict::Unknown,
            None => return PasswordVerdict::Busy,
        }
        if let Some(tag) = tag {
            let mut known = self.known.lock();
            if known.len() >= KNOWN {
                known.clear();
            }
            known.insert(tag);
        }
        PasswordVerdict::Welcome
    }

    /// `None` when too many wait.
    async fn compare(&self, password: String, hash: String) -> Option<bool> {
        let _waiting = self.waiting.try_acquire().ok()?;
        let permit = self.comparing.clone().acquire_owned().await.ok()?;
        #[cfg(test)]
        self.compared.lock().push(hash.clone());
        let comparison = tokio::task::spawn_blocking(move || {
            let is_right = bcrypt::verify(password, &hash).unwrap_or(false);
            // Held to the end even when the client has gone: the core is busy until then.
            drop(permit);
            is_right
        });
        Some(comparison.await.unwrap_or(false))
    }

    fn tag(&self, user: &str, hash: &str, password: &str) -> Option<Vec<u8>> {
        let mut context = hmac::Context::with_key(self.key.as_ref()?);
        for part in [user, hash, password] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        Some(context.sign().as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use base64::prelude::{BASE64_STANDARD, Engine};
    use futures_util::FutureExt;

    use super::*;

    /// The cheapest there is.
    const COST: u32 = 4;

    fn hash(password: &str, cost: u32) -> PasswordHash {
        PasswordHash::try_from(bcrypt::hash(password, cost).unwrap()).unwrap()
    }

    fn users(password: &str) -> BTreeMap<String, PasswordHash> {
        BTreeMap::from([("alice".to_owned(), hash(password, COST))])
    }

    /// The cost of each comparison so far, in order.
    fn costs(passwords: &Passwords) -> Vec<u32> {
        let compared = passwords.compared.lock().clone();
        let hashes = compared.into_iter().map(PasswordHash::try_from);
        hashes.map(|it| it.unwrap().cost()).collect()
    }

    fn basic(credentials: &[u8]) -> HeaderMap {
        let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[tokio::test]
    async fn right_password_passes_and_nothing_else_does() {
        let passwords = Passwords::new();
        let users = users("open: sesame");
        for (credentials, expected) in [
            (&b"alice:open: sesame"[..], PasswordVerdict::Welcome),
            (b"alice:open", PasswordVerdict::Unknown),
            (b"alice:", PasswordVerdict::Unknown),
            (b"alice", PasswordVerdict::Unknown),
            (b"bob:open: sesame", PasswordVerdict::Unknown),
            (b":open: sesame", PasswordVerdict::Unknown),
            (b"alice:open: sesame\0", PasswordVerdict::Unknown),
            (b"\xff\xfe:x", PasswordVerdict::Unknown),
            (b"", PasswordVerdict::Unknown),
        ] {
            let verdict = passwords.check(&users, &basic(credentials)).await;
            assert_eq!(verdict, expected, "{credentials:?}");
        }
        let bearer = HeaderMap::from_iter([(header::AUTHORIZATION, "Bearer x".parse().unwrap())]);
        for headers in [HeaderMap::new(), bearer] {
            assert_eq!(
                passwords.check(&users, &headers).await,
                PasswordVerdict::Unknown
            );
        }
    }

    #[tokio::test]
    async fn password_that_was_right_costs_nothing_until_it_is_changed() {
        let passwords = Passwords::new();
        let (old, new) = (users("old"), users("new"));
        let headers = basic(b"alice:old");
        assert_eq!(
            passwords.check(&old, &headers).await,
            PasswordVerdict::Welcome
        );
        for _ in 0..1000 {
            assert_eq!(
                passwords.check(&old, &headers).await,
                PasswordVerdict::Welcome
            );
        }
        assert_eq!(costs(&passwords).len(), 1);
        assert_eq!(
            passwords.check(&new, &headers).await,
            PasswordVerdict::Unknown
        );
        assert_eq!(costs(&passwords).len(), 2);
    }

    #[tokio::test]
    async fn unknown_user_is_compared_at_the_usual_cost_whatever_the_file_holds() {
        let passwords = Passwords::new();
        let mut users = users("secret");
        users.insert("bob".to_owned(), hash("secret", COST + 1));
        let all = [
            ("alice", COST),
            ("bob", COST + 1),
            ("nobody", PasswordHash::USUAL_COST),
        ];
        for (user, cost) in all {
            let made = costs(&passwords).len();
            let headers = basic(format!("{user}:wrong").as_bytes());
            let verdict = passwords.check(&users, &headers).await;
            assert_eq!(verdict, PasswordVerdict::Unknown, "{user}");
            assert_eq!(costs(&passwords)[made..], [cost], "{user}");
        }
    }

    #[tokio::test]
    async fn known_password_waits_for_no_comparison() {
        let passwords = Passwords::new();
        let users = users("secret");
        let right = basic(b"alice:secret");
        assert_eq!(
            passwords.check(&users, &right).await,
            PasswordVerdict::Welcome
        );
        // As if a guess were being compared for ever, with a full queue behind it.
        let _busy = passwords.comparing.try_acquire().unwrap();
        let _queue = passwords.waiting.try_acquire_many(WAITING as u32).unwrap();
        let known = passwords.check(&users, &right).now_or_never();
        assert_eq!(known, Some(PasswordVerdict::Welcome));
        let unknown = basic(b"alice:guess");
        let unknown = passwords.check(&users, &unknown).now_or_never();
        assert_eq!(unknown, Some(PasswordVerdict::Busy));
    }

    #[tokio::test]
    async fn guesses_beyond_the_queue_are_turned_away() {
        let passwords = Passwords::new();
        let users = users("secret");
        let guesses = (0..WAITING + 10).map(|it| {
            let headers = basic(format!("alice:{it}").as_bytes());
            let (passwords, users) = (&passwords, &users);
            async move { passwords.check(users, &headers).await }
        });
        let verdicts = futures_util::future::join_all(guesses).await;
        let busy = verdicts
            .iter()
            .filter(|it| **it == PasswordVerdict::Busy)
            .count();
        // Fewer than ten only where a comparison ended while the others were still coming.
        assert!((1..=10).contains(&busy), "{busy}");
    }
}
