//! A switch that stops work: thrown once, seen by everybody who holds it.

use std::sync::Arc;

use tokio::sync::watch;

/// Stops a run when it is thrown. Clones are the same switch.
#[derive(Clone, Debug)]
pub struct Cancellation(Arc<watch::Sender<bool>>);

impl Cancellation {
    /// A switch that has not been thrown.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Throws the switch.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the switch has been thrown.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the switch is thrown.
    pub async fn cancelled(&self) {
        let mut seen = self.0.subscribe();
        // The sender lives as long as `self`, so waiting ends in no other way.
        let _thrown = seen.wait_for(|thrown| *thrown).await;
    }
}

impl Default for Cancellation {
    fn default() -> Self {
        Self::new()
    }
}
