//! Until when a file may be worked on.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, ParseState, Parser, Tree};

/// How many steps of a loop are taken before the clock is read.
const STEPS: usize = 1 << 12;

/// The end of the time for one file. Whatever takes long asks for it now and then, and leaves its work unfinished; whoever
/// began it asks again at the end, and writes nothing of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline<'d> {
    /// None for a time without end.
    end: Option<Instant>,
    /// Whether everything is to end.
    stop: &'d AtomicBool,
}

impl<'d> Deadline<'d> {
    /// The end of a time that begins now, at once when everything is to `stop`.
    pub(crate) fn after(limit: Duration, stop: &'d AtomicBool) -> Self {
        Self { end: Instant::now().checked_add(limit), stop }
    }

    /// Whether the time is over. Once it is, it stays so.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.end.is_some_and(|end| Instant::now() >= end)
    }

    /// Whether the time is over, for loops: the clock is read at some of their steps only.
    pub(crate) fn is_over_at(&self, step: usize) -> bool {
        step.is_multiple_of(STEPS) && self.is_over()
    }

    /// The syntax of a text; none when the time is over before, or the parser gives up.
    pub(crate) fn parse(&self, parser: &mut Parser, text: &str) -> Option<Tree> {
        let mut watch =
            |_: &ParseState| if self.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let options = ParseOptions::new().progress_callback(&mut watch);
        let bytes = text.as_bytes();
        let mut rest = |from: usize, _| bytes.get(from..).unwrap_or_default();
        let tree = parser.parse_with_options(&mut rest, None, Some(options));
        if tree.is_none() {
            // Otherwise the next text would be taken for the rest of this one.
            parser.reset();
        }
        tree
    }
}
