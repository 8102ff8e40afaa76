//! A pseudo-terminal with the program in it: what is typed, and what is seen.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, Winsize, openpty};

use crate::program::command;

/// The longest that anything is waited for; a machine with other work takes long.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was seen, and whether more can come.
#[derive(Default)]
struct Seen {
    text: Mutex<(String, bool)>,
    came: Condvar,
}

/// A terminal with the program in it.
pub(super) struct Terminal {
    keys: File,
    child: Child,
    seen: Arc<Seen>,
    /// Up to here everything was waited for.
    read: usize,
}

impl Terminal {
    /// Starts the program on a terminal of so many lines, each of a hundred letters.
    pub(super) fn start(folder: &Path, arguments: &[&str], lines: u16, environment: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: lines, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("there are pseudo-terminals");
        let program = command(folder, arguments);
        // The terminal must be that of the program's session, or Ctrl-C is a letter.
        let mut child = Command::new("setsid");
        child
            .args(["--ctty", "--wait"])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(folder);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => child.env(name, value),
                None => child.env_remove(name),
            };
        }
        let state = folder.join("state");
        child
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", state)
            .env_remove("PAGER")
            .envs(environment.iter().copied());
        let stream = || Stdio::from(slave.try_clone().expect("the terminal has several streams"));
        let child =
            child.stdin(stream()).stdout(stream()).stderr(stream()).spawn().expect("the program starts");
        drop(slave);
        let seen = Arc::new(Seen::default());
        let keys = File::from(master);
        let mut screen = keys.try_clone().expect("the terminal is read and written");
        let told = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            let mut plain = Plain::default();
            // The end of the program is an error of its terminal.
            while let Some(count) = screen.read(&mut some).ok().filter(|count| *count > 0) {
                plain.read(&some[..count], &mut told.text.lock().unwrap().0);
                told.came.notify_all();
            }
            told.text.lock().unwrap().1 = true;
            told.came.notify_all();
        });
        Self { keys, child, seen, read: 0 }
    }

    /// Types.
    pub(super) fn keys(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until a text is seen, and gives what was seen until then, since the last time.
    #[track_caller]
    pub(super) fn sees(&mut self, text: &str) -> String {
        let began = Instant::now();
        let mut seen = self.seen.text.lock().unwrap();
        loop {
            let new = &seen.0[self.read..];
            if let Some(at) = new.find(text) {
                let shown = new[..at + text.len()].to_owned();
                self.read += shown.len();
                return shown;
            }
            let left = PATIENCE.checked_sub(began.elapsed()).unwrap_or_default();
            assert!(!left.is_zero() && !seen.1, "no `{text}` in\n{new}");
            seen = self.seen.came.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Types a line, and waits for what it gives.
    #[track_caller]
    pub(super) fn line(&mut self, line: &str, gives: &str) -> String {
        self.keys(&format!("{line}\r"));
        self.sees(gives)
    }

    /// Types a line, and waits for what it gives and for the next prompt: what is typed before that may be lost.
    #[track_caller]
    pub(super) fn answers(&mut self, line: &str, gives: &str) -> String {
        self.line(line, gives) + &self.sees("sql> ")
    }

    /// The most memory that the program has had, in MiB.
    pub(super) fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(super) fn ends(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "the program does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Leaves out what moves the cursor and colours letters: `ESC [ parameters letter`, or `ESC letter`.
#[derive(Default)]
struct Plain {
    /// Bytes of a letter or an escape whose end has not come yet.
    open: Vec<u8>,
}

impl Plain {
    fn read(&mut self, bytes: &[u8], text: &mut String) {
        for byte in bytes {
            self.open.push(*byte);
            match self.open.as_slice() {
                [0x1b] | [0x1b, b'['] => {}
                [0x1b, b'[', .., last] if !(b'@'..=b'~').contains(last) => {}
                [0x1b, ..] | [b'\r'] => self.open.clear(),
                letter => {
                    if let Ok(letter) = std::str::from_utf8(letter) {
                        text.push_str(letter);
                        self.open.clear();
                    }
                }
            }
        }
    }
}
