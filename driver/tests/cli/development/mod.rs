//! What is done fifty times a day while a spec is written.

mod lsp;
mod preview;
mod selection;
mod watch;
