//! From a URL to an open, read-only transaction: pool, TLS, session, cancelling, errors.

pub(crate) mod cancel;
pub(crate) mod identity;
pub(crate) mod locks;
pub(crate) mod moment;
pub(crate) mod session;
pub(crate) mod tls;
