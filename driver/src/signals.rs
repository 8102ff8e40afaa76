//! Ctrl-C, and the other signal that asks a program to end.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use pipeline::Cancellation;
use tokio::runtime::Runtime;

use crate::failure::exit;

/// Throws the switch at the first signal to end, and ends the program at the second: at once, unless something is being
/// published, which ends first. From now on signals no longer end the program by themselves.
///
/// Signals are waited for on a thread of their own: the threads that work may be busy for long.
pub(crate) fn watch(cancellation: Cancellation) -> io::Result<()> {
    listen(move |runtime, mut signals| {
        runtime.block_on(async {
            while signals.next().await.is_some() {
                if !cancellation.cancel() {
                    cancellation.published().await;
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
            }
        });
    })
}

/// Throws the switch that is current whenever Ctrl-C is pressed, and ends the program at the other signal. For programs that
/// watch already: what they throw is thrown as well.
pub(crate) fn watch_statements(current: Arc<Mutex<Cancellation>>) -> io::Result<()> {
    listen(move |runtime, mut signals| {
        runtime.block_on(async {
            while let Some(signal) = signals.next().await {
                let _is_first = current.lock().unwrap_or_else(PoisonError::into_inner).cancel();
                if signal == Signal::Terminate {
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
            }
        });
    })
}

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The other one.
    Terminate,
}

/// Gives the signals to a thread of its own.
fn listen(act: impl FnOnce(Runtime, Signals) + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let signals = {
        let _entered = runtime.enter();
        Signals::listen()?
    };
    let wait = move || act(runtime, signals);
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(|_| ())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on; must be called in a runtime.
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next; nothing when there can be none.
    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            received = self.interrupt.recv() => received.map(|()| Signal::Interrupt),
            received = self.terminate.recv() => received.map(|()| Signal::Terminate),
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Option<Signal> {
        tokio::signal::ctrl_c().await.ok().map(|()| Signal::Interrupt)
    }
}
