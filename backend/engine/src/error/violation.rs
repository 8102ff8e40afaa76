//! What an output would break if it were published.

use std::fmt;

#[cfg(doc)]
use ir::diag::codes;
use ir::diag::{Code, Diagnostic};

/// A rule that an output would break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The output.
    pub output: String,
    /// The column that breaks it.
    pub column: &'static str,
    /// [`codes::ID_COLLISION`] or [`codes::DANGLING_EDGE`].
    pub code: Code,
    /// What does not hold.
    pub rule: &'static str,
    /// How often.
    pub count: usize,
    /// The first of these cases, as text.
    pub shown: Vec<String>,
}

impl Violation {
    /// The finding a user is shown.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::new(self.code, format!("{self}; nothing was published"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, column, rule, count, shown, .. } = self;
        let cases = if *count == 1 { "case" } else { "cases" };
        write!(f, "output `{output}`, column `{column}`: not so in {count} {cases}: {rule}")?;
        write!(f, "; such as {}", shown.join("; "))
    }
}
