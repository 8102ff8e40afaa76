//! What becomes visible, and what must not.

mod assertions;
mod builds;
mod checks;
mod locks;
