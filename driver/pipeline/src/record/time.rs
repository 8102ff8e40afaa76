//! When something happened, and where the time went.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use ir::stage::Stage;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The stages of some work in the order they ended, with the time each took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages(Vec<(Stage, Duration)>);

impl Stages {
    /// Adds time to a stage.
    pub fn add(&mut self, stage: Stage, time: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, sum)) => *sum = sum.saturating_add(time),
            None => self.0.push((stage, time)),
        }
    }

    /// Adds the stages of something that ran in between.
    pub fn append(&mut self, other: Self) {
        other.0.iter().for_each(|(stage, time)| self.add(*stage, *time));
    }

    /// Runs `work` and adds its time to a stage.
    pub fn timed<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.add(stage, started.elapsed());
        result
    }

    /// The stages, each with its time.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        self.0.iter().copied()
    }

    /// The sum of all stages.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().map(|(_, time)| *time).fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// A stage as it is written.
#[derive(Serialize, Deserialize)]
struct StageTime {
    stage: Stage,
    seconds: f64,
}

impl Serialize for Stages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stage = |(stage, time): (Stage, Duration)| StageTime { stage, seconds: time.as_secs_f64() };
        serializer.collect_seq(self.iter().map(stage))
    }
}

impl<'de> Deserialize<'de> for Stages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = |StageTime { stage, seconds }| match Duration::try_from_secs_f64(seconds) {
            Ok(time) => Ok((stage, time)),
            Err(error) => Err(serde::de::Error::custom(format!("stage `{stage}`: {error}"))),
        };
        Vec::<StageTime>::deserialize(deserializer)?.into_iter().map(time).collect::<Result<_, _>>().map(Self)
    }
}

/// The current time.
pub(crate) fn now() -> DateTime<Utc> {
    // A clock before 1970 shows as 1970.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    DateTime::from_timestamp(seconds, since.subsec_nanos()).unwrap_or_default()
}

/// The current time as records have it: RFC 3339, UTC, to the microsecond.
#[must_use]
pub fn utc_now() -> String {
    timestamp(now())
}

/// RFC 3339, to the microsecond.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
