//! Reading and writing Delta tables, against the local file system.


mod change_feed;
mod concurrency;
mod engine_conformance;
mod fixtures;
mod read;
mod roundtrip;
mod schema;
mod write;
