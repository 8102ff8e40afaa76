//! The program as its users run it: the real executable, its streams and exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod boundary;
mod command_line;
mod development;
mod export;
mod foreign_tables;
mod governance;
mod graphs;
mod hostile;
mod inputs;
mod pages;
mod program;
mod proofs;
mod publication;
mod runs;
mod sql;
mod stages;
mod telemetry;
