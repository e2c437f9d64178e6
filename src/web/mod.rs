//! The HTTP server for Prometheus and for people.
//!
//! | room | what it holds |
//! | --- | --- |
//! | `serve`, `router` | the loop that accepts connections; which path leads to which handler |
//! | `handlers`, `api`, `ui` | `/metrics`, `/probe` and `/-/`; the JSON API; the pages |
//! | `state` | what the handlers share, the kept part of the metrics page among it |
//! | `joined` | two parts compressed one by one, as one answer |
//! | `auth` | passwords, rate limit, the origin of a form |
//! | `server` | connections, TLS, the web configuration file |

mod api;
mod auth;
mod handlers;
mod joined;
mod links;
mod middleware;
mod router;
mod serve;
mod server;
mod settings;
mod state;
mod ui;

pub use links::Links;
pub use serve::{bind, serve};
pub use server::live_config::LiveConfig;
pub use settings::{DatabaseSource, Lifecycle, ReadDatabase, ServerLimits, WebSettings};
