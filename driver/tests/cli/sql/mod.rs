//! `driver sql`: statements from everywhere, and the shell.

mod statements;

#[cfg(target_os = "linux")]
mod shell;
#[cfg(target_os = "linux")]
mod terminal;
