//! What an input did: whether it panicked, and how much it may take.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Reading one input takes less time than this.
pub const TIME: Duration = Duration::from_secs(10);
/// Reading one input adds less than this to the most memory the process had.
pub const MEMORY: u64 = 512 << 20;

/// So much of what is said of a finding is shown; the input says the rest.
const SHOWN: usize = 1500;

/// Where the Delta library panics at a deletion vector that is kept in an unknown way. It shows such a vector in no other
/// form, so that the panic is caught in place and the table refused; only a panic here that reaches the reader is a finding.
const CAUGHT_IN_PLACE: &str = "/src/kernel/snapshot/iterators.rs";

/// What the program did that it must not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What happened, for people.
    pub message: String,
}

/// Panics of all threads since they were last asked for; only while [`listen`] was called.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Has the panics of all threads of this process written down instead of printed. A panic that the engine makes an error
/// of is one, too.
pub fn listen() {
    std::panic::set_hook(Box::new(|panic| {
        PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(panic.to_string());
    }));
}

/// Reads an input.
///
/// # Errors
/// When reading it panics, or finds that two readers disagree. Time and memory are watched from outside: neither can be
/// told apart from that of other tests in one process.
pub fn judge(read: impl FnOnce() -> Result<(), String>) -> Result<(), Finding> {
    let outcome = catch_unwind(AssertUnwindSafe(read));
    let heard = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    let is_caught = |panic: &String| panic.contains(CAUGHT_IN_PLACE);
    let message = match outcome {
        Err(payload) if heard.is_empty() => format!("a panic: {}", message_of(payload.as_ref())),
        Err(_) => heard.join("; "),
        Ok(_) if !heard.iter().all(is_caught) => format!("a panic on another thread: {}", heard.join("; ")),
        Ok(Err(message)) => message,
        Ok(Ok(())) => return Ok(()),
    };
    Err(Finding { message: message.chars().take(SHOWN).collect() })
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "one without a text".to_owned())
}
