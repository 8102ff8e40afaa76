//! Diagnostics gathered while a document is read.

use super::{Diagnostic, Severity, codes};

/// More findings than this are not worth reading, nor the memory they would take.
const MAX_FINDINGS: usize = 500;

/// A list of diagnostics that stops growing at [`MAX_FINDINGS`] and says so.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
    is_cut: bool,
}

impl Findings {
    /// Adds a finding.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(finding);
        } else {
            self.is_cut = true;
        }
    }

    /// Whether something was left out, so that looking for more is in vain.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// All findings, with a last one that says so if some were left out.
    pub(crate) fn into_list(mut self) -> Vec<Diagnostic> {
        if self.is_cut {
            let cut = format!("only the first {MAX_FINDINGS} findings are listed");
            self.list.push(Diagnostic::new(codes::WRONG_SHAPE, cut).severity(Severity::Note));
        }
        self.list
    }
}
