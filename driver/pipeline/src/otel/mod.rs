//! Traces of runs as OpenTelemetry has them, sent by OTLP over HTTP (feature `otel`).
//!
//! ```text
//! codeanatomy_engine.execute                  all of a command that runs a spec
//!   load, session, resolve, …                 a stage each
//!   pass lower, …                             a pass each
//!   execute
//!     segment output x
//!       plan
//!         optimizer, physical_optimizer       where `rule_mode` asks for phases
//!           a rule each                       where it asks for rules
//!       SpillingAggregateExec, …              the operators, each below the one that reads it
//! ```
//!
//! A spec says what is traced; where traces go, the user says, since a spec may come from anywhere ([`Traces::of_spec`]).
//! Attributes are names of the spec, counts, times and codes. No rows are in them, no plans and expressions, which hold
//! literals, no locations, and no messages, which may quote any of these.

mod config;
mod exporter;
mod spans;

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use ir::diag::{Diagnostic, codes};
use ir::spec::TracingConfig;
use opentelemetry::trace::{SpanBuilder, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use config::{Destination, effective};
use exporter::Failure;

use crate::observer::OpenWork;
use crate::{PipelineError, Result, Source};

/// The name of the root span.
pub const ROOT_SPAN: &str = "codeanatomy_engine.execute";

/// The traces of one command that runs a spec.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    config: TracingConfig,
    root: Context,
    open: OpenWork<Context>,
    /// The rules that ran on the plans of segments that are about to end.
    rules: Mutex<Vec<(String, Vec<engine::RuleRun>)>>,
    failure: Failure,
    destination: String,
}

impl Traces {
    /// Whether a spec asks for traces.
    #[must_use]
    pub fn are_wanted(source: &Source) -> bool {
        effective(&source.spec.runtime).enabled
    }

    /// The traces that a spec asks for, sent to where the user allows; nothing where neither the spec nor the user asks for any.
    /// A user who says where traces go asks for them.
    ///
    /// # Errors
    /// [`PipelineError::Findings`] when the spec wants them to go elsewhere, or nobody said where; when it asks for what traces
    /// do not hold.
    pub fn of_spec(source: &Source, allowed: Option<&str>) -> Result<Option<Self>> {
        let findings =
            |found| PipelineError::Findings { diagnostics: found, map: Box::new(source.map.clone()) };
        let config = effective(&source.spec.runtime);
        let refused = config::refusals(&source.spec.runtime);
        if !refused.is_empty() {
            return Err(findings(refused));
        }
        if !config.enabled && allowed.is_none() {
            return Ok(None);
        }
        let destination = Destination::of(&config, allowed).map_err(|found| findings(vec![*found]))?;
        Self::begin(config, destination).map(Some)
    }

    fn begin(config: TracingConfig, destination: Destination) -> Result<Self> {
        let (provider, failure) = exporter::provider(&config, &destination)?;
        let tracer = exporter::tracer(&provider);
        let builder = SpanBuilder::from_name(ROOT_SPAN).with_attributes(custom(&config));
        let root = Context::new().with_span(tracer.build_with_context(builder, &Context::new()));
        let (open, rules) = (OpenWork::default(), Mutex::default());
        Ok(Self { provider, tracer, config, root, open, rules, failure, destination: destination.shown() })
    }

    /// The command has ended. Sends what is left, and gives a warning if not everything arrived.
    #[must_use]
    pub fn end(&self, failed: bool) -> Option<Diagnostic> {
        if failed {
            // What went wrong may quote values.
            self.root.span().set_status(Status::error("failed"));
        }
        self.root.span().end();
        let ended = self.provider.shutdown().err().map(|error| error.to_string());
        let cause = self.failure.first().or(ended)?;
        let message = format!("the traces at {} are not complete: {cause}", self.destination);
        let found = Diagnostic::new(codes::EVENTS_NOT_WRITTEN, message);
        Some(found.help("what was run is not concerned; see that the collector can be reached"))
    }

    /// A span below another; it begins now, or then.
    fn span(
        &self,
        parent: &Context,
        name: impl Into<std::borrow::Cow<'static, str>>,
        started: Option<SystemTime>,
        mut attributes: Vec<KeyValue>,
    ) -> Context {
        attributes.extend(custom(&self.config));
        let mut builder = SpanBuilder::from_name(name).with_attributes(attributes);
        if let Some(started) = started {
            builder = builder.with_start_time(started);
        }
        parent.with_span(self.tracer.build_with_context(builder, parent))
    }

    fn take_rules(&self, segment: &str) -> Vec<engine::RuleRun> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let place = rules.iter().position(|(of, _)| of == segment);
        place.map(|place| rules.swap_remove(place).1).unwrap_or_default()
    }
}

/// The fields that the spec adds to every span.
fn custom(config: &TracingConfig) -> Vec<KeyValue> {
    config.custom_span_fields.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect()
}
