//! What becomes visible, and what must not.

mod builds;
mod checks;
mod locks;
