//! From a URL to an open, read-only transaction: pool, TLS, session, cancelling, errors.

pub(crate) mod cancel;
pub(crate) mod connector;
pub(crate) mod dial;
pub(crate) mod identity;
pub(crate) mod locks;
pub(crate) mod login;
pub(crate) mod moment;
pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod session;
pub(crate) mod tls;
