//! Facts about a graph that passes ask for. They are computed when asked and never stored on nodes.

pub mod content;
pub mod cost;
pub mod demand;
pub mod determinism;
pub mod history;
pub mod lineage;
