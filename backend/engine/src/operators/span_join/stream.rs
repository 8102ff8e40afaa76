//! The merge of one partition of a span join.
//!
//! Both inputs are cut into runs of equal keys. The rows of a key on the stored side make a group; the rows of
//! the same key on the probe side stream past it, and the group reads its own side only as far as they need. All
//! waiting for inputs happens in [`SpanMerge::next_batch`]; everything below it computes, stops when the output
//! batch is full or more stored rows are needed, and goes on where it stopped.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::RecordOutput;

use super::SpanJoinKind;
use super::gather::{ABSENT, Output};
use super::group::Group;
use super::input::SortedInput;
use super::roles::{Roles, SpanJoinMetrics};
use super::sweep::OutOfOrder;

/// Where the probe side stands inside its current run.
#[derive(Default)]
struct ProbeCursor {
    /// Rows of the run already done.
    done: usize,
    /// Whether the sweep stands at the current row, with matches left to take.
    sought: bool,
    /// Whether the current row has matched.
    matched: bool,
}

/// One partition of a span join.
pub(super) struct SpanMerge {
    roles: Roles,
    stored: SortedInput,
    probe: SortedInput,
    group: Option<Group>,
    /// Whether the group must read more of its side before anything else can be done.
    group_waits: bool,
    cursor: ProbeCursor,
    output: Output,
    found: Vec<u32>,
    /// Pairs found and not yet counted in the metrics.
    pairs: usize,
    reservation: MemoryReservation,
    metrics: SpanJoinMetrics,
}

impl SpanMerge {
    pub(super) fn new(
        roles: Roles,
        stored: SortedInput,
        probe: SortedInput,
        output: Output,
        reservation: MemoryReservation,
        metrics: SpanJoinMetrics,
    ) -> Self {
        let (group, cursor, found) = (None, ProbeCursor::default(), Vec::new());
        Self {
            roles,
            stored,
            probe,
            group,
            group_waits: false,
            cursor,
            output,
            found,
            pairs: 0,
            reservation,
            metrics,
        }
    }

    /// The next output batch; `None` when both inputs are done.
    pub(super) async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let elapsed = self.metrics.baseline.elapsed_compute().clone();
        loop {
            if self.output.room() == 0 {
                break;
            }
            self.output.release_sources()?;
            let probe_ready = self.probe.fill().await?;
            if self.group_waits {
                let stored_ready = self.stored.fill().await?;
                let _timer = elapsed.timer();
                self.extend_group(stored_ready)?;
                continue;
            }
            if self.group.is_some() {
                let _timer = elapsed.timer();
                self.work_on_group(probe_ready)?;
                continue;
            }
            let stored_ready = self.stored.fill().await?;
            let Some(order) = self.compare(stored_ready, probe_ready)? else { break };
            match order {
                Ordering::Less => self.skip_stored()?,
                Ordering::Greater => self.skip_probe()?,
                Ordering::Equal => self.begin_group()?,
            }
        }
        if self.output.is_empty() {
            return Ok(None);
        }
        let _timer = elapsed.timer();
        let batch = self.output.flush()?;
        Ok(Some(batch.record_output(&self.metrics.baseline)))
    }

    /// Which side's current run comes first and so has no partner; `Equal` when the two are partners; `None`
    /// when nothing can come out any more.
    fn compare(&self, stored_ready: bool, probe_ready: bool) -> Result<Option<Ordering>> {
        if stored_ready && probe_ready {
            let (stored, probe) = (self.stored.run()?, self.probe.run()?);
            let order = stored.key.cmp(probe.key);
            // NULL keys equal nothing, not even each other.
            let order = if order.is_eq() && stored.null_key { Ordering::Less } else { order };
            return Ok(Some(order));
        }
        Ok(match (stored_ready, probe_ready) {
            (true, _) if self.roles.keeps_stored() => Some(Ordering::Less),
            (_, true) if self.roles.keeps_probe() => Some(Ordering::Greater),
            _ => None,
        })
    }

    /// Passes over a stored run without partner.
    fn skip_stored(&mut self) -> Result<()> {
        if self.roles.keeps_stored() {
            let run = self.stored.run()?;
            let (batch, rows) = (Arc::clone(run.batch), run.rows);
            let rest = rows.start + self.cursor.done..rows.end;
            let source = self.output.register_stored(&batch);
            for row in rest.clone().take(self.output.room()) {
                self.output.push((source, row), ABSENT);
                self.cursor.done += 1;
            }
            if self.cursor.done < rows.len() {
                return Ok(());
            }
        }
        self.cursor = ProbeCursor::default();
        self.stored.advance();
        Ok(())
    }

    /// Passes over a probe run without partner.
    fn skip_probe(&mut self) -> Result<()> {
        if self.roles.keeps_probe() {
            let run = self.probe.run()?;
            let (batch, rows) = (Arc::clone(run.batch), run.rows);
            let rest = rows.start + self.cursor.done..rows.end;
            let source = self.output.register_probe(&batch);
            for row in rest.clone().take(self.output.room()) {
                self.output.push(ABSENT, (source, row));
                self.cursor.done += 1;
            }
            if self.cursor.done < rows.len() {
                return Ok(());
            }
        }
        self.cursor = ProbeCursor::default();
        self.probe.advance();
        Ok(())
    }

    /// Starts the group of the current key. Its rows are read when they are needed.
    fn begin_group(&mut self) -> Result<()> {
        let key = self.stored.run()?.key.to_vec();
        self.metrics.groups.add(1);
        self.cursor = ProbeCursor::default();
        self.group = Some(Group::new(key, self.roles));
        Ok(())
    }

    /// Adds the next run of the stored side to the group, or notes that the group has no more.
    fn extend_group(&mut self, stored_ready: bool) -> Result<()> {
        self.group_waits = false;
        let Some(group) = &mut self.group else { return Ok(()) };
        if !stored_ready || self.stored.run()?.key != group.key {
            return group.complete();
        }
        let run = self.stored.run()?;
        if u32::try_from(group.len() + run.rows.len()).is_err() {
            return exec_err!("span join: a key group of more than {} rows; join on more keys", group.len());
        }
        let bytes = Group::memory(run.batch, run.rows.len());
        if self.roles.can_forget() && group.should_forget(bytes) {
            group.forget_ended()?;
            self.reservation.try_resize(group.bytes())?;
        }
        if let Err(error) = self.reservation.try_grow(bytes) {
            if !self.roles.can_forget() {
                return Err(error.context(
                    "span join: the rows of one key on the containing side must fit in memory together, because \
                     this join must know which of them have matched, or because their spans overlap or ask for \
                     the innermost; join on more keys or raise the memory limit",
                ));
            }
            group.forget_ended()?;
            self.reservation.try_resize(group.bytes())?;
            self.reservation.try_grow(bytes).map_err(|error| {
                error.context(
                    "span join: the rows of one key on the containing side that are open at one position must fit \
                     in memory together; join on more keys or raise the memory limit",
                )
            })?;
        }
        group.add(run.batch, run.rows).map_err(unsorted)?;
        self.metrics.build_mem.set_max(self.reservation.size());
        self.stored.advance();
        Ok(())
    }

    /// Joins the current probe run with the group, or ends the group when the run has another key.
    fn work_on_group(&mut self, probe_ready: bool) -> Result<()> {
        let Some(mut group) = self.group.take() else { return Ok(()) };
        if probe_ready && self.probe.run()?.key == group.key {
            let joined = self.join_run(&mut group);
            self.metrics.pairs.add(std::mem::take(&mut self.pairs));
            joined?;
        } else if group.matched.is_some() && !group.is_complete() {
            self.group_waits = true;
        } else if self.finish(&mut group) {
            self.metrics.fallback_groups.add(usize::from(group.sweep.fell_back()));
            self.reservation.free();
            return Ok(());
        }
        self.group = Some(group);
        Ok(())
    }

    fn join_run(&mut self, group: &mut Group) -> Result<()> {
        let run = self.probe.run()?;
        let (batch, rows) = (Arc::clone(run.batch), run.rows);
        let source = self.output.register_probe(&batch);
        for row in rows.start + self.cursor.done..rows.end {
            if !self.cursor.sought {
                self.cursor.matched = false;
                if let Some(query) = batch.span(row).and_then(|span| self.roles.query(span)) {
                    if !group.is_ready_for(query)? {
                        group.sweep.approach(query);
                        self.group_waits = true;
                        return Ok(());
                    }
                    group.sweep.seek(query).map_err(unsorted)?;
                    self.cursor.sought = true;
                }
            }
            if !self.join_row(group, (source, row)) {
                return Ok(());
            }
            self.cursor.sought = false;
            self.cursor.done += 1;
            if self.output.room() == 0 {
                break;
            }
        }
        if self.cursor.done == rows.len() {
            self.cursor = ProbeCursor::default();
            self.probe.advance();
        }
        Ok(())
    }

    /// Joins one probe row. False when the output filled up before its last match.
    fn join_row(&mut self, group: &mut Group, probe: (usize, usize)) -> bool {
        let Roles { kind, stored_is_left, .. } = self.roles;
        let existence_only = self.roles.existence_only();
        self.found.clear();
        let done = match (existence_only, stored_is_left) {
            _ if !self.cursor.sought => true,
            (true, true) => {
                group.sweep.take_new(&mut self.found);
                true
            }
            (true, false) => group.sweep.take(1, &mut self.found),
            (false, _) => group.sweep.take(self.output.room(), &mut self.found),
        };
        self.pairs += self.found.len();
        self.cursor.matched |= !self.found.is_empty();
        if let Some(matched) = &mut group.matched {
            self.found.iter().for_each(|row| matched.set_bit(*row as usize, true));
        }
        if existence_only {
            if !stored_is_left && self.cursor.matched == (kind == SpanJoinKind::LeftSemi) {
                self.output.push(ABSENT, probe);
            }
            return true;
        }
        group.pick_all(&self.found, probe, &mut self.output);
        if !done {
            return false;
        }
        if !self.cursor.matched && self.roles.keeps_probe() {
            self.output.push(ABSENT, probe);
        }
        true
    }

    /// Emits what the stored rows of an ended group still owe. True when nothing is left.
    fn finish(&mut self, group: &mut Group) -> bool {
        self.cursor = ProbeCursor::default();
        let wanted = self.roles.kind == SpanJoinKind::LeftSemi;
        let Some(matched) = group.matched.take() else { return true };
        while group.finished < group.len() && self.output.room() > 0 {
            if matched.get_bit(group.finished) == wanted {
                let stored = group.pick(group.finished as u32, &mut self.output);
                self.output.push(stored, ABSENT);
            }
            group.finished += 1;
        }
        group.matched = Some(matched);
        group.finished == group.len()
    }
}

fn unsorted(_: OutOfOrder) -> datafusion::common::DataFusionError {
    exec_datafusion_err!("span join: an input is not sorted by its span as it declares")
}
