//! Running a program and measuring it: wall time, CPU time, peak memory.
//!
//! A child's peak memory, as the kernel tells it, begins with what its parent had when it made the child. So that a
//! benchmark that holds data does not appear in the peaks of the programs it runs, programs are started by a small
//! fresh process of this same binary (`bench measure`), which waits for them and writes down what they used. It also
//! stops them when they run away.

mod guard;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use wait4::Wait4;

use self::guard::Guard;
use crate::failure::{Failure, Result};

/// What a program used, with everything it started and waited for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// User and system time, in seconds.
    pub(crate) cpu_seconds: f64,
    /// From before the start to after the end, in seconds.
    pub(crate) wall_seconds: f64,
    /// The peak of its resident memory, in bytes.
    pub(crate) peak_bytes: u64,
}

/// What `bench measure` writes down.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    usage: Usage,
    /// None when a signal ended it.
    exit_code: Option<i32>,
    /// How it ended, for people.
    status: String,
}

/// A program that ended well.
#[derive(Debug)]
pub(crate) struct Finished {
    /// What it used.
    pub(crate) usage: Usage,
    /// What it printed.
    pub(crate) stdout: Vec<u8>,
}

/// Runs a program in a folder and measures it.
///
/// # Errors
/// When it cannot be started or ends with anything but success; the message holds the end of its stderr.
pub(crate) fn run(program: &Path, arguments: &[OsString], folder: &Path) -> Result<Finished> {
    let name = || {
        let first = arguments.iter().take(2).map(|argument| argument.to_string_lossy().into_owned());
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        [name].into_iter().chain(first).collect::<Vec<_>>().join(" ")
    };
    let broken = |status: &str, message: &str| Failure::Program {
        program: name(),
        status: status.to_owned(),
        message: tail(message),
    };
    let own = std::env::current_exe().map_err(Failure::file("find", Path::new("bench")))?;
    let report =
        tempfile::NamedTempFile::new().map_err(Failure::file("make a file in", &std::env::temp_dir()))?;
    let output = Command::new(own)
        .arg("measure")
        .arg(report.path())
        .arg("--")
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        // The tables lie beside the folders of turns. An option would be unknown to older drivers.
        .env("CODEANATOMY_ALLOW_READ", "/")
        .stdin(Stdio::null())
        .output()
        .map_err(Failure::file("run", program))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let text = std::fs::read(report.path()).map_err(Failure::file("read", report.path()))?;
    let measured: Measured =
        serde_json::from_slice(&text).map_err(|_| broken(&output.status.to_string(), &stderr))?;
    if measured.exit_code != Some(0) {
        return Err(broken(&measured.status, &stderr));
    }
    Ok(Finished { usage: measured.usage, stdout: output.stdout })
}

/// `bench measure REPORT -- PROGRAM ARGUMENTS`: runs the program with this process's own streams and writes to the
/// report what it used.
///
/// # Errors
/// When the program cannot be started or the report cannot be written. How the program ends is in the report.
pub(crate) fn measure(report: &Path, command: &[OsString]) -> Result<()> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Failure::Missing("`measure` needs a program to run".to_owned()))?;
    let started = Instant::now();
    let child =
        Command::new(program).args(arguments).spawn().map_err(Failure::file("run", Path::new(program)))?;
    let guard = Guard::watch(child.id());
    let ended = child.wait4().map_err(Failure::file("wait for", Path::new(program)))?;
    let wall = started.elapsed();
    let stopped = guard.end();
    let measured = Measured {
        usage: Usage {
            cpu_seconds: (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
            wall_seconds: wall.as_secs_f64(),
            peak_bytes: ended.rusage.maxrss,
        },
        exit_code: ended.status.code(),
        status: stopped.map_or_else(|| ended.status.to_string(), str::to_owned),
    };
    std::fs::write(report, serde_json::to_vec(&measured)?).map_err(Failure::file("write", report))
}

/// The last lines of a message.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
