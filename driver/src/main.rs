//! The `driver` binary. Everything it does is in the library, so that tests can do it too.

use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;

use pipeline::configuration::Environment;

/// Gives back to the system what operators have let go of: the system's own allocator keeps it, and a run with a limit
/// of 1 GiB held 4.6 GiB. When it does so is said where it is compiled, in `.cargo/config.toml`.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    driver::hush_readers();
    let (mut stdin, mut stdout, mut stderr) = (io::stdin(), io::stdout(), io::stderr());
    let stdin_is_terminal = stdin.is_terminal();
    let (stdout_is_terminal, stderr_is_terminal) = (stdout.is_terminal(), stderr.is_terminal());
    let log = std::env::var("RUST_LOG").ok().filter(|directives| !directives.is_empty());
    let log_is_shown = log.is_some_and(|directives| {
        driver::show_log(&directives).unwrap_or_else(|error| {
            // Nothing else depends on the log.
            let _ = writeln!(stderr, "no log: {error}");
            false
        })
    });
    let mut streams = driver::Streams {
        stdin: &mut stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        stdin_is_terminal,
        stdout_is_terminal,
        stderr_is_terminal,
        log_is_shown,
        no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
        environment: Environment::of(std::env::vars_os()),
    };
    ExitCode::from(driver::main_with(std::env::args_os().collect(), &mut streams))
}
