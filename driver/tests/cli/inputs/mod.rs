//! What comes from outside: files of other formats, and values for parameters.

mod files;
mod parameters;
