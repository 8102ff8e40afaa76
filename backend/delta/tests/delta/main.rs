//! Reading and writing Delta tables, against the local file system.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod change_feed;
mod claims;
mod concurrency;
mod crash;
mod engine_conformance;
mod fixtures;
mod identity;
mod pruning;
mod read;
mod roundtrip;
mod schema;
mod sizes;
mod write;
