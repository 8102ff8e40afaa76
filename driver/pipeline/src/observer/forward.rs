//! Observers made of others: shared ones, absent ones, pairs.

use std::sync::Arc;
use std::time::Duration;

use engine::{OutputOutcome, RuleRun, SegmentOutcome};
use ir::diag::{Diagnostic, SourceMap};
use ir::stage::Stage;
use passes::{Pass, PassEvent};

use super::{Observer, RunStart};
use crate::record::RunRecord;
use crate::replay::Report;
use crate::{Compilation, ExtractedTable};

/// Implements all methods of an observer by calling them on each of several.
macro_rules! tell_each {
    ($this:ident => $each:expr) => {
        tell_each! { @methods $this $each;
            stage_started(stage: Stage);
            stage_finished(stage: Stage, took: Duration);
            waiting(busy: &str);
            pass_started(pass: &'static Pass);
            pass_finished(event: &PassEvent<'_>);
            compiled(compilation: &Compilation);
            found(found: &[Diagnostic], map: &SourceMap);
            run_started(run: &RunStart<'_>);
            segment_started(segment: &str);
            segment_progress(segment: &str, rows: u64);
            rules_ran(segment: &str, runs: &[RuleRun]);
            segment_finished(outcome: &SegmentOutcome);
            output_committed(outcome: &OutputOutcome);
            table_extracted(table: &ExtractedTable);
            warned(found: &Diagnostic);
            run_finished(record: &RunRecord);
            not_recorded(reason: &str);
            rows_extracted(rows: u64);
            replayed(report: &Report);
        }
    };
    (@methods $this:ident $each:expr; $($method:ident($($name:ident: $type:ty),*);)+) => {
        $(fn $method(&self, $($name: $type),*) {
            let $this = self;
            for observer in $each {
                observer.$method($($name),*);
            }
        })+

        fn watches_rules(&self) -> bool {
            let $this = self;
            for observer in $each {
                if observer.watches_rules() {
                    return true;
                }
            }
            false
        }
    };
}

/// Watches nothing.
impl Observer for () {}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    tell_each! { this => [this.as_ref()] }
}

impl<O: Observer + ?Sized> Observer for &O {
    tell_each! { this => [*this] }
}

/// Watches if it is there.
impl<O: Observer> Observer for Option<O> {
    tell_each! { this => this.iter() }
}

/// Both watch, the first one first.
impl<A: Observer, B: Observer> Observer for (A, B) {
    tell_each! { this => [&this.0 as &dyn Observer, &this.1] }
}
