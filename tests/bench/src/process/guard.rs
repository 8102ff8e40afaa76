//! Stops a program that would take the machine with it.

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a program is looked at.
const INTERVAL: Duration = Duration::from_millis(200);
/// No turn takes longer.
const LONGEST: Duration = Duration::from_secs(600);
/// The part of the machine's memory that one program may have, in percent.
const MOST_MEMORY: u64 = 60;

/// Watches a process until it has ended.
pub(super) struct Guard {
    over: Sender<()>,
    watcher: JoinHandle<Option<&'static str>>,
}

impl Guard {
    /// Watches a child of this process.
    pub(super) fn watch(process: u32) -> Self {
        let (over, is_over) = channel();
        let watcher = std::thread::spawn(move || {
            let started = Instant::now();
            let most = kibibytes("/proc/meminfo", "MemTotal").map(|total| total / 100 * MOST_MEMORY);
            let status = format!("/proc/{process}/status");
            loop {
                match is_over.recv_timeout(INTERVAL) {
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                }
                let resident = kibibytes(&status, "VmRSS");
                let reason = if started.elapsed() > LONGEST {
                    "stopped: it took longer than ten minutes"
                } else if resident.zip(most).is_some_and(|(resident, most)| resident > most) {
                    "stopped: it took more than 60 % of the memory of this machine"
                } else {
                    continue;
                };
                // Until it has been waited for, which ends this loop, its id is its own.
                let killed = Command::new("kill").args(["-KILL", &process.to_string()]).status();
                if killed.is_ok_and(|status| status.success()) {
                    return Some(reason);
                }
            }
        });
        Self { over, watcher }
    }

    /// The process has ended: gives why it was stopped, if it was.
    pub(super) fn end(self) -> Option<&'static str> {
        // Whoever has stopped the process is gone already.
        let _ = self.over.send(());
        self.watcher.join().ok().flatten()
    }
}

/// A field of a file of `name: value kB` lines. None where there is no such file.
fn kibibytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(key, _)| *key == name)?;
    value.split_whitespace().next()?.parse().ok()
}
