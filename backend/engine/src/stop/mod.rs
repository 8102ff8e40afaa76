//! Stopping work from outside: the switch, and planning that looks at it.

mod cancellation;
mod rules;

pub use cancellation::{Cancellation, Publishing};
pub(crate) use rules::{Stopped, stoppable, stoppable_rules};
