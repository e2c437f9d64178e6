//! When things go wrong (`docs/spec/failures.md`): each row of its table, and the tests that hold
//! it.
//!
//! | what goes wrong | tests |
//! | --- | --- |
//! | server down from the start, crashed between scrapes, crashed in a collection | [`outage`](crate::outage) `database_that_…` |
//! | server stopped in its tracks, restarted | [`server`] |
//! | server silent on accepting | `outage::server_that_accepts_and_says_nothing_…` |
//! | no room: `CONNECTION LIMIT` of the role | `outage::server_without_room_…` |
//! | no room: `max_connections` | `server::server_out_of_connections_…` |
//! | session ended by an administrator | `outage::session_that_…` |
//! | tables locked | `outage::locked_…` |
//! | tables slow: deadline, cancelling | [`sharing`](crate::sharing), [`storm`] |
//! | crowds of scrapers, scrapers that hang up | [`sharing`](crate::sharing), [`storm`] |
//! | network slow, silent, cut, reset, lying | [`network`] |
//! | wrong password, none, host refused | [`passwords`](crate::passwords) |
//! | TLS mismatch | [`tls`](crate::tls) |
//! | failover, with one host and with both | [`replica`](crate::replica), [`failover`] |
//! | grant missing | [`grants`](crate::grants), [`isolation`](crate::isolation) |
//! | column or table missing, not Coder's database | [`grants`](crate::grants), [`eras`](crate::eras) |
//! | one collector failing | [`isolation`](crate::isolation) |
//! | NULL, `infinity`, year 1, BC, names, enum values, one by one | [`odd_rows`](crate::odd_rows) |
//! | the same all at once, by chance | [`odd_values`] |
//! | a series told twice | [`duplicates`] |
//! | more problem agents than the limit | [`agent_series`](crate::agent_series) |
//! | what the log says of it | [`logs`](crate::logs) |
//! | everything for as long as one likes | `tests/soak` |

mod duplicates;
mod failover;
mod network;
mod odd_values;
mod server;
mod storm;
