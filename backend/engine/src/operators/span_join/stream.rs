//! The merge of one partition of a span join.
//!
//! Both inputs are cut into runs of equal keys. The group of a key on the stored side is kept whole; the rows of
//! the same key on the probe side stream past it. All waiting for inputs happens in [`SpanMerge::next_batch`];
//! everything below it computes, stops when the output batch is full, and goes on where it stopped.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{BooleanBufferBuilder, RecordBatch};
use datafusion::common::{Result, exec_datafusion_err, exec_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::metrics::{BaselineMetrics, Count, Gauge, RecordOutput};

use super::SpanJoinKind;
use super::gather::Output;
use super::group::{Group, put_greatest_last};
use super::input::{KeyedBatch, SortedInput};
use super::sweep::{OutOfOrder, Stored, Sweep, Wanted};

/// What the operator counts besides the baseline.
pub(super) struct SpanJoinMetrics {
    pub(super) baseline: BaselineMetrics,
    /// Key groups that both sides have.
    pub(super) groups: Count,
    /// Groups whose stored spans cross, so that the stack could not be used.
    pub(super) fallback_groups: Count,
    /// Matching pairs found (for semi and anti joins only as many as were needed).
    pub(super) pairs: Count,
    /// Largest group kept in memory, in bytes.
    pub(super) build_mem: Gauge,
}

/// How the two sides take part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Roles {
    pub(super) wanted: Wanted,
    pub(super) kind: SpanJoinKind,
    /// Whether the stored side is the left one.
    pub(super) stored_is_left: bool,
}

impl Roles {
    /// Whether rows without a match come out, with the stored side on the left.
    fn keeps_unmatched(self) -> bool {
        matches!(self.kind, SpanJoinKind::Left | SpanJoinKind::LeftAnti)
    }

    /// Whether only the existence of a match matters.
    fn existence_only(self) -> bool {
        matches!(self.kind, SpanJoinKind::LeftSemi | SpanJoinKind::LeftAnti)
    }

    /// Whether unmatched stored rows come out.
    fn keeps_stored(self) -> bool {
        self.stored_is_left && self.keeps_unmatched()
    }

    /// Whether unmatched probe rows come out.
    fn keeps_probe(self) -> bool {
        !self.stored_is_left && self.keeps_unmatched()
    }
}

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
    cursor: ProbeCursor,
    output: Output,
    found: Vec<u32>,
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
        Self { roles, stored, probe, group, cursor, output, found, reservation, metrics }
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
                Ordering::Equal => self.load_group().await?,
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
                self.output.push(Some((source, row)), None);
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
                self.output.push(None, Some((source, row)));
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

    /// Reads the whole stored group of the current key into memory.
    async fn load_group(&mut self) -> Result<()> {
        let key = self.stored.run()?.key.to_vec();
        let mut batches: Vec<Arc<KeyedBatch>> = Vec::new();
        let mut rows: Vec<(u32, u32)> = Vec::new();
        let mut stored: Vec<Stored> = Vec::new();
        while self.stored.fill().await? {
            let run = self.stored.run()?;
            if run.key != key {
                break;
            }
            let added = rows.len() + run.rows.len();
            if u32::try_from(added).is_err() {
                return exec_err!(
                    "span join: a key group of {added} rows exceeds 2^32 rows; join on more keys"
                );
            }
            let bytes =
                run.batch.memory + Sweep::memory(run.rows.len()) + run.rows.len() * size_of::<(u32, u32)>();
            self.reservation.try_grow(bytes).map_err(|error| {
                error.context(
                    "span join: the rows of one key on the containing side must fit in memory together",
                )
            })?;
            for row in run.rows {
                stored.extend(run.batch.span(row).map(|span| Stored { span, row: rows.len() as u32 }));
                rows.push((batches.len() as u32, row as u32));
            }
            batches.push(Arc::clone(run.batch));
            self.stored.advance();
        }
        if self.roles.wanted == Wanted::Innermost {
            put_greatest_last(&mut stored, &batches, &rows)?;
        }
        self.metrics.groups.add(1);
        self.metrics.build_mem.set_max(self.reservation.size());
        let tracks = self.roles.stored_is_left && self.roles.kind != SpanJoinKind::Inner;
        let matched = tracks.then(|| {
            let mut matched = BooleanBufferBuilder::new(rows.len());
            matched.append_n(rows.len(), false);
            matched
        });
        let sweep = Sweep::new(self.roles.wanted, stored).map_err(unsorted)?;
        self.cursor = ProbeCursor::default();
        self.group = Some(Group {
            key,
            batches,
            rows,
            sweep,
            matched,
            registered: (usize::MAX, Vec::new()),
            finished: 0,
        });
        Ok(())
    }

    /// Joins the current probe run with the group, or ends the group when the run has another key.
    fn work_on_group(&mut self, probe_ready: bool) -> Result<()> {
        let Some(mut group) = self.group.take() else { return Ok(()) };
        if probe_ready && self.probe.run()?.key == group.key {
            self.join_run(&mut group)?;
        } else if self.finish(&mut group) {
            self.metrics.fallback_groups.add(usize::from(group.sweep.has_crossing()));
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
                if let Some(span) = batch.span(row) {
                    group.sweep.seek(span).map_err(unsorted)?;
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
        // A stored row needs all its matches to be seen; a probe row that only asks for existence needs one.
        let limit = match (existence_only, stored_is_left) {
            (true, true) => usize::MAX,
            (true, false) => 1,
            (false, _) => self.output.room(),
        };
        self.found.clear();
        let done = !self.cursor.sought || group.sweep.take(limit, &mut self.found);
        self.metrics.pairs.add(self.found.len());
        self.cursor.matched |= !self.found.is_empty();
        if let Some(matched) = &mut group.matched {
            self.found.iter().for_each(|row| matched.set_bit(*row as usize, true));
        }
        if existence_only {
            if !stored_is_left && self.cursor.matched == (kind == SpanJoinKind::LeftSemi) {
                self.output.push(None, Some(probe));
            }
            return true;
        }
        for row in self.found.drain(..) {
            let stored = group.pick(row, &mut self.output);
            self.output.push(stored, Some(probe));
        }
        if !done {
            return false;
        }
        if !self.cursor.matched && self.roles.keeps_probe() {
            self.output.push(None, Some(probe));
        }
        true
    }

    /// Emits what the stored rows of an ended group still owe. True when nothing is left.
    fn finish(&mut self, group: &mut Group) -> bool {
        self.cursor = ProbeCursor::default();
        let wanted = self.roles.kind == SpanJoinKind::LeftSemi;
        let Some(matched) = group.matched.take() else { return true };
        while group.finished < group.rows.len() && self.output.room() > 0 {
            if matched.get_bit(group.finished) == wanted {
                let stored = group.pick(group.finished as u32, &mut self.output);
                self.output.push(stored, None);
            }
            group.finished += 1;
        }
        group.matched = Some(matched);
        group.finished == group.rows.len()
    }
}

fn unsorted(_: OutOfOrder) -> datafusion::common::DataFusionError {
    exec_datafusion_err!("span join: an input is not sorted by its span as it declares")
}
