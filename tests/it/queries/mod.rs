//! Dashboards, alerts and runbooks against the metrics that there are: what they ask for exists,
//! and a real Prometheus that scrapes a real exporter has an answer.
//!
//! Reading order: [`files`] (where queries stand), [`expression`] (what one asks for), [`names`]
//! (whether that exists), [`lint`] (what a dashboard must have), [`alert_files`] (what an alert
//! must have), [`pint`] (what a rule must not do), [`derived`] (the labels of its result),
//! [`answers`] (what comes back).

mod alert_files;
mod answers;
mod closed;
mod derived;
mod expression;
mod files;
mod lint;
mod lint_panels;
mod lint_queries;
mod lint_tests;
mod names;
mod pint;
