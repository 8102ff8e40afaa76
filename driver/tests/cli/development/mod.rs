//! What is done fifty times a day while a spec is written.

mod preview;
mod selection;
