//! The language of CodeAnatomy: specs, the graph they are compiled into, and the rules both must keep.
//!
//! A **spec** ([`spec`]) says which tables should exist. The compiler lowers it into a **graph** ([`graph`]) of
//! **operations** ([`op`]) and rewrites that graph, pass by pass, until the engine can run it. There is one graph
//! type; how far a graph has come is its **phase** ([`phase`]), and the **verifier** ([`verify`]) checks after
//! every pass that the graph keeps what its phase promises. Only a verified graph that all passes have
//! seen can be handed to the engine: [`verify::Scheduled`] is made nowhere else.
//!
//! Expressions are SQL ([`expr`]): the parsed tree, printed canonically. Schemas are Arrow schemas ([`schema`]).
//! What cannot be known without opening a table or asking the engine comes through one trait ([`oracle`]).
//!
//! Every graph has a **text form** ([`text`]) that prints and parses, a picture ([`text::dot`]) and an archived
//! form ([`archive`]). Mistakes of users are **diagnostics** ([`diag`]): values with a code and a place in the
//! spec, collected and reported together. Mistakes of the compiler are violations found by the verifier.
//!
//! The crate does no I/O, reads no clock and no environment, and does not know DataFusion.

// Whoever adds an operation is told every place that has to know it.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod archive;
mod as_text;
pub mod capability;
pub mod determinism;
pub mod diag;
pub mod estimate;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "trees of SQL have hundreds of nodes, and new ones are asked about in expr/meaning/clauses.rs"
)]
pub mod expr;
pub mod graph;
pub use ::hash;
mod lexer;
pub mod op;
pub mod oracle;
pub mod origin;
pub mod phase;
pub mod schema;
pub mod spec;
pub mod stage;
pub mod text;
pub mod verify;
