//! How spans leave the program: in batches, from a thread of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ir::spec::TracingConfig;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};

use super::config::{Destination, sampler};
use crate::{PipelineError, Result};

/// What the program is called in traces, unless the spec calls it otherwise.
const SERVICE: &str = "codeanatomy_engine";

/// The first batch that did not arrive, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    pub(super) fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An exporter that remembers what did not arrive: who makes spans is not told.
#[derive(Debug)]
struct Remembering<E> {
    exporter: E,
    failure: Failure,
}

impl<E: SpanExporter> SpanExporter for Remembering<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        if let Err(error) = &exported {
            let mut failure = self.failure.0.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert_with(|| error.to_string());
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// What makes spans and sends them, as the settings say.
pub(super) fn provider(
    config: &TracingConfig,
    destination: &Destination,
) -> Result<(SdkTracerProvider, Failure)> {
    let cannot = |error: String| PipelineError::Bug(format!("traces cannot be sent: {error}"));
    let policy = &config.export_policy;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(destination.url())
        .with_timeout(Duration::from_millis(policy.bsp_export_timeout_ms))
        .build()
        .map_err(|error| cannot(error.to_string()))?;
    let failure = Failure::default();
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(size(policy.bsp_max_queue_size))
        .with_max_export_batch_size(size(policy.bsp_max_export_batch_size))
        .with_scheduled_delay(Duration::from_millis(policy.bsp_schedule_delay_ms))
        .build();
    let exporter = Remembering { exporter, failure: failure.clone() };
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    let provider = SdkTracerProvider::builder()
        .with_sampler(sampler(config).map_err(cannot)?)
        .with_resource(resource(config))
        .with_span_processor(processor)
        .build();
    Ok((provider, failure))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).max(1)
}

fn resource(config: &TracingConfig) -> Resource {
    let attributes = config.otel_resource_attributes.iter();
    let attributes = attributes.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let service = config.otel_service_name.clone().unwrap_or_else(|| SERVICE.to_owned());
    Resource::builder_empty()
        .with_attributes(attributes)
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_service_name(service)
        .build()
}

/// What makes the spans of a command.
pub(super) fn tracer(provider: &SdkTracerProvider) -> SdkTracer {
    provider.tracer(SERVICE)
}
