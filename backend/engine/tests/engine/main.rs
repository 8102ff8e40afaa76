//! The engine from the outside: graphs in text form, tables on disk, rows of what was published.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod conformance;
mod lake;
mod operations;
mod oracle;
mod outputs;
mod plans;
mod projections;
mod publication;
mod shared_views;
mod span_joins;
mod sql;
