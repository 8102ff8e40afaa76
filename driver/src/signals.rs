//! Ctrl-C, and the other signal that asks a program to end.

use std::io;

use pipeline::Cancellation;

use crate::failure::exit;

/// Throws the switch at the first signal to end, and ends the program at the second: at once, unless something is being
/// published, which ends first. From now on signals no longer end the program by themselves.
///
/// Signals are waited for on a thread of their own: the threads that work may be busy for long.
pub(crate) fn watch(cancellation: Cancellation) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _entered = runtime.enter();
        Signals::listen()?
    };
    let wait = move || {
        runtime.block_on(async {
            while signals.next().await {
                if !cancellation.cancel() {
                    cancellation.published().await;
                    std::process::exit(i32::from(exit::INTERRUPTED));
                }
            }
        });
    };
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

    /// Waits for the next; false when there can be none.
    async fn next(&mut self) -> bool {
        tokio::select! {
            received = self.interrupt.recv() => received.is_some(),
            received = self.terminate.recv() => received.is_some(),
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

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
