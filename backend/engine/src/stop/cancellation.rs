//! A switch that stops work: thrown once, seen by everybody who holds it. While something is being published it stops
//! nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Stops work when it is thrown. Clones are the same switch.
///
/// What is published must be published whole: from the first commit of several to the last, and to the record of them,
/// nobody is stopped. A switch that is thrown in between takes effect when the [`Publishing`] has ended.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<Switch>);

#[derive(Debug, Default)]
struct Switch {
    state: watch::Sender<State>,
    /// Whether the state stops work; read between any two steps of any work.
    stops: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    thrown: bool,
    publishing: usize,
}

impl State {
    fn stops(self) -> bool {
        self.thrown && self.publishing == 0
    }
}

impl Cancellation {
    /// A switch that has not been thrown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Throws the switch. False when somebody has thrown it before.
    pub fn cancel(&self) -> bool {
        self.change(|state| !std::mem::replace(&mut state.thrown, true))
    }

    /// Whether work has to stop: the switch has been thrown, and nothing is being published.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.stops.load(Ordering::Acquire)
    }

    /// What [`Self::is_cancelled`] says, for code that knows nothing of this type.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.stops)
    }

    /// Waits until work has to stop.
    pub async fn cancelled(&self) {
        self.wait(|state| state.stops()).await;
    }

    /// Begins to publish, unless work has to stop. Nobody is stopped while the value lives.
    #[must_use]
    pub fn publishing(&self) -> Option<Publishing> {
        let begun = self.change(|state| {
            let goes_on = !state.stops();
            state.publishing += usize::from(goes_on);
            goes_on
        });
        begun.then(|| Publishing(self.clone()))
    }

    /// Waits until nothing is being published. After [`Self::cancel`] nothing new is.
    pub async fn published(&self) {
        self.wait(|state| state.publishing == 0).await;
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) -> bool {
        let mut result = false;
        self.0.state.send_modify(|state| {
            result = change(state);
            self.0.stops.store(state.stops(), Ordering::Release);
        });
        result
    }

    async fn wait(&self, reached: impl FnMut(&State) -> bool) {
        let mut seen = self.0.state.subscribe();
        // The sender lives as long as `self`, so waiting ends in no other way.
        let _reached = seen.wait_for(reached).await;
    }
}

/// Something is being published. Ends when dropped.
#[derive(Debug)]
pub struct Publishing(Cancellation);

impl Drop for Publishing {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.publishing = state.publishing.saturating_sub(1);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_over(future: impl Future<Output = ()>) -> bool {
        pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn nobody_is_stopped_while_something_is_published() {
        let switch = Cancellation::new();
        let first = switch.publishing().unwrap();
        assert!(switch.cancel());
        assert!(!switch.cancel(), "the second throw is not the first");
        assert!(!switch.is_cancelled() && !switch.flag().load(Ordering::Acquire));
        assert!(!is_over(switch.cancelled()) && !is_over(switch.published()));

        // What publishes may publish parts, also after the switch was thrown.
        let part = switch.publishing().unwrap();
        drop(first);
        assert!(!switch.is_cancelled());
        drop(part);
        assert!(switch.is_cancelled() && switch.flag().load(Ordering::Acquire));
        assert!(is_over(switch.cancelled()) && is_over(switch.published()));
        assert!(switch.publishing().is_none(), "nothing new is published after that");
        assert!(switch.is_cancelled());
    }

    #[test]
    fn a_thrown_switch_stops_at_once_when_nothing_is_published() {
        let switch = Cancellation::new();
        drop(switch.publishing());
        assert!(!switch.is_cancelled() && is_over(switch.published()));
        switch.clone().cancel();
        assert!(switch.is_cancelled() && is_over(switch.cancelled()));
    }
}
