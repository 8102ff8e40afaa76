//! A process that reads inputs and may die of one: how it is started, what it does, and what is left of it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzz::Fuzzer;
use fuzz::target::{Input, Target};
use fuzz::watch::{Finding, MEMORY, TIME, listen};

use crate::{Arguments, kept, root};

/// The most memory such a process may ask for, in KiB: an input that makes it ask for more ends it.
const MEMORY_KIB: u64 = 6 << 20;
/// The stack of the thread that reads, which is what main threads have.
const STACK_BYTES: usize = 8 << 20;
/// How it ends when an input takes too long.
const HUNG: i32 = 3;

/// How a process ended.
pub(crate) struct Ended {
    /// How many findings it printed.
    pub(crate) found: u64,
    /// The seed it was at; the end of all seeds if it came to it.
    pub(crate) at: u64,
    /// What it died of.
    pub(crate) how: Option<String>,
}

/// Runs seeds of a target in a process of their own, to its end.
///
/// # Errors
/// When it cannot be started, or never came to the seeds.
pub(crate) fn start(arguments: &Arguments, target: Target, seeds: Range<u64>) -> Result<Ended, String> {
    let text = |error: io::Error| error.to_string();
    let progress = tempfile::NamedTempFile::new().map_err(text)?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().map_err(text)?);
    command.args(["--from", &seeds.start.to_string(), "--runs", &(seeds.end - seeds.start).to_string()]);
    command.args(["--target", target.name()]).arg("--progress").arg(progress.path());
    if let Some(folder) = &arguments.keep {
        command.arg("--keep").arg(folder);
    }
    let status = command.status().map_err(text)?;
    let line = fs::read_to_string(progress.path()).map_err(text)?;
    let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
    let (Some(at), Some(found)) = (numbers.next(), numbers.next()) else {
        return Err(format!("a process came to no seed: {status}"));
    };
    let how = match status.code() {
        Some(0 | 1) => None,
        Some(HUNG) => Some(format!("it took more than {} s", TIME.as_secs())),
        _ => Some(format!("the process died: {status}")),
    };
    Ok(Ended { found, at, how })
}

/// Prints a finding, and writes its input where it is kept.
pub(crate) fn report(arguments: &Arguments, target: Target, seed: u64, message: &str, input: Option<&Input>) {
    println!("{} seed {seed}: {message}", target.name());
    let Some(folder) = &arguments.keep else { return };
    let written = match input {
        Some(input) => input.write(&kept(folder, target, seed)),
        None => Fuzzer::open(&root())
            .map_err(io::Error::other)
            .and_then(|fuzzer| fuzzer.input(target, seed).write(&kept(folder, target, seed))),
    };
    match written {
        Ok(()) => println!("written to {}", kept(folder, target, seed).display()),
        Err(error) => println!("not written: {error}"),
    }
}

/// Runs the seeds of one target here, and says in a file which it is at. Gives the number of findings.
///
/// # Errors
/// When the fuzzer does not start.
pub(crate) fn run(arguments: &Arguments, progress: &Path) -> Result<u64, String> {
    let fuzzer = Fuzzer::open(&root())?;
    let progress = File::options().write(true).open(progress).map_err(|error| error.to_string())?;
    let target = *arguments.target.first().unwrap_or(&Target::Spec);
    listen();
    let clock = Clock::start()?;
    let seeds = || -> Result<u64, String> {
        let mut found = 0_u64;
        let end = arguments.from.saturating_add(arguments.runs);
        for seed in arguments.from..end {
            say(&progress, seed, found)?;
            clock.restart();
            if let Err(finding) = measured(|| fuzzer.run(target, seed)) {
                found += 1;
                report(arguments, target, seed, &finding.message, Some(&fuzzer.input(target, seed)));
            }
        }
        say(&progress, end, found)?;
        Ok(found)
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("reader".to_owned()).stack_size(STACK_BYTES);
        let reader = thread.spawn_scoped(scope, seeds).map_err(|error| error.to_string())?;
        reader.join().map_err(|_| "the fuzzer itself panicked".to_owned())?
    })
}

/// Reading an input that also takes too much memory is a finding.
fn measured(read: impl FnOnce() -> Result<(), Finding>) -> Result<(), Finding> {
    let before = peak_memory();
    read()?;
    let more = peak_memory().saturating_sub(before);
    if more > MEMORY {
        return Err(Finding { message: format!("it took {} MiB of memory", more >> 20) });
    }
    Ok(())
}

/// The most memory this process had so far, in bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

fn say(progress: &File, seed: u64, found: u64) -> Result<(), String> {
    let line = format!("{seed:20} {found:20}\n");
    progress.write_all_at(line.as_bytes(), 0).map_err(|error| error.to_string())
}

/// Ends the process when an input takes too long.
struct Clock {
    began: Instant,
    /// When the input came, in milliseconds since the clock was started.
    since: Arc<AtomicU64>,
}

impl Clock {
    fn start() -> Result<Self, String> {
        let clock = Self { began: Instant::now(), since: Arc::default() };
        let (began, since) = (clock.began, Arc::clone(&clock.since));
        let watch = move || loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = began.elapsed();
            if now.saturating_sub(Duration::from_millis(since.load(Ordering::Relaxed))) > TIME {
                let _ = io::stdout().flush();
                std::process::exit(HUNG);
            }
        };
        let thread = std::thread::Builder::new().name("clock".to_owned()).spawn(watch);
        thread.map(|_| clock).map_err(|error| error.to_string())
    }

    fn restart(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(now, Ordering::Relaxed);
    }
}
