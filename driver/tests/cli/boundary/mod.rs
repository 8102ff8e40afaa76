//! What a spec may use, and what decides it: specs and configurations that want more are refused with a code, nothing that
//! they want is opened, and no secret is printed.

mod allowed;
mod configurations;
mod specs;
mod watch;
mod world;
