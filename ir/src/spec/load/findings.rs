//! Diagnostics gathered while a document is read.

use crate::diag::{Diagnostic, Severity, codes};

/// More findings than this are not worth reading, nor the memory they would take.
const MAX_FINDINGS: usize = 500;

/// A list of diagnostics that stops growing at [`MAX_FINDINGS`] and says so.
#[derive(Debug, Default)]
pub(in crate::spec) struct Findings {
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Findings {
    /// Adds a finding.
    pub(in crate::spec) fn push(&mut self, finding: Diagnostic) {
        if self.list.len() < MAX_FINDINGS {
            self.list.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    /// All findings, with a last one that counts those left out.
    pub(in crate::spec) fn into_list(mut self) -> Vec<Diagnostic> {
        if self.left_out > 0 {
            let more = format!("{} further findings are not listed", self.left_out);
            self.list.push(Diagnostic::new(codes::WRONG_SHAPE, more).severity(Severity::Note));
        }
        self.list
    }
}
