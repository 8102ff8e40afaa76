//! What this machine can do: measured in the same run as the benchmarks, on one thread, in CPU time.

use std::path::Path;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;

use crate::failure::Result;
use crate::table::{DeltaTable, snappy};

/// Measures the CPU time of the current thread. Where the system does not tell it, it is the time that passed.
#[derive(Debug)]
pub(crate) struct CpuTimer {
    cpu: Option<Duration>,
    wall: Instant,
}

impl CpuTimer {
    /// Starts to measure.
    pub(crate) fn start() -> Self {
        Self { cpu: thread_cpu(), wall: Instant::now() }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        let cpu = self.cpu.zip(thread_cpu());
        cpu.map_or_else(|| self.wall.elapsed(), |(before, now)| now.saturating_sub(before))
    }
}

/// Linux: the first number of `schedstat` is the time this thread has been on a core, in nanoseconds.
fn thread_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// CPU seconds of decoding columns of a table from Parquet to Arrow; of all columns if none are named.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn decoding(table: &Path, columns: Option<&[&str]>) -> Result<f64> {
    let table = DeltaTable::open(table)?;
    mean(|| {
        let timer = CpuTimer::start();
        table.read(columns, &mut |_| Ok(()))?;
        Ok(timer.elapsed())
    })
}

/// CPU seconds of encoding the rows of a table as SNAPPY Parquet, into memory that is thrown away.
///
/// # Errors
/// When the table cannot be read.
pub(crate) fn encoding(table: &Path) -> Result<f64> {
    let table = DeltaTable::open(table)?;
    mean(|| {
        let mut spent = Duration::ZERO;
        let mut writer: Option<ArrowWriter<std::io::Sink>> = None;
        table.read(None, &mut |batch: &RecordBatch| {
            let timer = CpuTimer::start();
            if writer.is_none() {
                writer = Some(ArrowWriter::try_new(std::io::sink(), batch.schema(), Some(snappy()))?);
            }
            if let Some(writer) = &mut writer {
                writer.write(batch)?;
            }
            spent += timer.elapsed();
            Ok(())
        })?;
        let timer = CpuTimer::start();
        if let Some(writer) = writer {
            writer.close()?;
        }
        Ok(spent + timer.elapsed())
    })
}

/// The mean of as many measurements as fit into [`LEAST_TIME`]: the system's clock of CPU time has steps of some
/// milliseconds.
fn mean(mut measure: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let (mut spent, mut count) = (Duration::ZERO, 0);
    let started = Instant::now();
    while count == 0 || started.elapsed() < LEAST_TIME {
        spent += measure()?;
        count += 1;
    }
    Ok((spent / count).as_secs_f64())
}

const LEAST_TIME: Duration = Duration::from_millis(300);
