//! Traces (feature `otel`): begun when the spec is known, which says what is traced.

use std::sync::{Arc, OnceLock};

use ir::diag::Diagnostic;
use pipeline::otel::Traces;
use pipeline::{Observer, Source};

use crate::cli::{Command, Globals};
use crate::failure::Failure;

/// Where the environment says that traces go.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The traces of a command, once there are some.
#[derive(Default)]
pub(super) struct Tracing {
    /// Where the command line says that they go.
    endpoint: Option<String>,
    /// Whether the command runs a spec; others are not traced.
    runs: bool,
    traces: OnceLock<Option<Arc<Traces>>>,
}

impl Tracing {
    pub(super) fn new(globals: &Globals, command: &Command) -> Result<Self, Failure> {
        let runs = matches!(command, Command::Run(_) | Command::Build(_));
        if globals.otlp_endpoint.is_some() && !runs {
            let message = "this command runs nothing; `--otlp-endpoint` is for build and run";
            return Err(Failure::Usage(message.to_owned()));
        }
        Ok(Self { endpoint: globals.otlp_endpoint.clone(), runs, traces: OnceLock::new() })
    }

    /// Begins the traces of a spec that is about to be run.
    pub(super) fn begin(&self, source: &Source) -> Result<(), Failure> {
        if !self.runs || self.traces.get().is_some() {
            return Ok(());
        }
        let traces = match &self.endpoint {
            Some(endpoint) => Traces::of_spec(source, Some(endpoint))?,
            None => {
                let endpoint = ENDPOINTS.into_iter().find_map(|name| std::env::var(name).ok());
                let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
                if Traces::are_wanted(source) { Traces::of_spec(source, endpoint.as_deref())? } else { None }
            }
        };
        self.traces.get_or_init(|| traces.map(Arc::new));
        Ok(())
    }

    pub(super) fn observer(&self) -> impl Observer + use<> {
        self.traces.get().cloned().flatten()
    }

    /// Sends what is left. Gives a warning if not all arrived.
    pub(super) fn end(&self, failed: bool) -> Option<Diagnostic> {
        self.traces.get()?.as_ref()?.end(failed)
    }
}
