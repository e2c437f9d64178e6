//! Who may ask: passwords, rate limit, and the origin of a form.

pub(crate) mod origin;
pub(crate) mod passwords;
pub(crate) mod rate_limit;
