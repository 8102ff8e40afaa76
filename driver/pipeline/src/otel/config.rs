//! What a spec asks for in its tracing settings, and what of it is refused.

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::spec::{OtlpProtocol, RuleTraceMode, RuntimeConfig, TracingConfig, TracingPreset};
use opentelemetry_sdk::trace::Sampler;
use url::Url;

/// Where collectors take traces, below the address that a user gives.
const TRACES_PATH: &str = "/v1/traces";
/// Samples for previews that the older spelling asks for.
const PREVIEW_LIMIT: u32 = 5;

/// All tracing settings of a spec together: those of the preset, or the settings that are given, which replace it as a whole;
/// and what the older spellings turn on.
pub(super) fn effective(runtime: &RuntimeConfig) -> TracingConfig {
    let given = runtime.tracing != TracingConfig::default();
    let preset = runtime.tracing_preset.filter(|_| !given).map(of_preset);
    let mut config = preset.unwrap_or_else(|| runtime.tracing.clone());
    config.enabled |= runtime.enable_tracing;
    if runtime.enable_rule_tracing && config.rule_mode == RuleTraceMode::Disabled {
        config.rule_mode = RuleTraceMode::Full;
    }
    if runtime.enable_plan_preview && config.preview_limit == 0 {
        config.preview_limit = PREVIEW_LIMIT;
    }
    config
}

/// The settings of a preset. All of them instrument object stores, of which this program has none.
fn of_preset(preset: TracingPreset) -> TracingConfig {
    let (rule_mode, plan_diff, preview_limit) = match preset {
        TracingPreset::Maximal => (RuleTraceMode::Full, true, PREVIEW_LIMIT),
        TracingPreset::MaximalNoData => (RuleTraceMode::Full, true, 0),
        TracingPreset::ProductionLean => (RuleTraceMode::PhaseOnly, false, 0),
    };
    TracingConfig { enabled: true, rule_mode, plan_diff, preview_limit, ..TracingConfig::default() }
}

/// What a spec asks for that no trace of this program has.
pub(super) fn refusals(runtime: &RuntimeConfig) -> Vec<Diagnostic> {
    let config = effective(runtime);
    let refuse = |field: &str, reason: String| {
        let path = field.split('.').fold(SpecPath::root().field("runtime"), |path, part| path.field(part));
        let message = format!("`runtime.{field}` cannot be: {reason}");
        Diagnostic::new(codes::CAPABILITY_UNAVAILABLE, message).at(path).help("leave it out")
    };
    let mut refused = Vec::new();
    if config.preview_limit > 0 {
        let field = match (runtime.enable_plan_preview, runtime.tracing.preview_limit) {
            (_, 1..) => "tracing.preview_limit",
            (true, _) => "enable_plan_preview",
            (false, _) => "tracing_preset",
        };
        refused.push(refuse(field, "no rows leave this program in traces".to_owned()));
    }
    if runtime.tracing.instrument_object_store {
        let reason = "tables lie in folders of this machine".to_owned();
        refused.push(refuse("tracing.instrument_object_store", reason));
    }
    if matches!(config.otlp_protocol, Some(OtlpProtocol::Grpc | OtlpProtocol::HttpJson)) {
        let reason = "traces are sent as http/protobuf".to_owned();
        refused.push(refuse("tracing.otlp_protocol", reason));
    }
    if let Err(reason) = sampler(&config) {
        refused.push(refuse("tracing.export_policy", reason));
    }
    refused
}

/// The sampler by its name in the environment specification of OpenTelemetry.
pub(super) fn sampler(config: &TracingConfig) -> Result<Sampler, String> {
    let name = config.export_policy.traces_sampler.as_str();
    let ratio = || {
        let text = config.export_policy.traces_sampler_arg.as_deref().unwrap_or("1.0");
        let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.ok_or_else(|| format!("`traces_sampler_arg: {text}` is not a number from 0 to 1"))
    };
    let (of_parent, name) = match name.strip_prefix("parentbased_") {
        Some(name) => (true, name),
        None => (false, name),
    };
    let sampler = match name {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio()?),
        _ => {
            return Err(format!(
                "there is no sampler `{}`; there are always_on, always_off and traceidratio, each also with \
                 `parentbased_` before it",
                config.export_policy.traces_sampler
            ));
        }
    };
    Ok(if of_parent { Sampler::ParentBased(Box::new(sampler)) } else { sampler })
}

/// Where traces are sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Destination(Url);

impl Destination {
    /// The place that the user allows, if the spec wants no other.
    pub(super) fn of(config: &TracingConfig, allowed: Option<&str>) -> Result<Self, Box<Diagnostic>> {
        let runtime = SpecPath::root().field("runtime");
        let wanted = runtime.clone().field("tracing").field("otlp_endpoint");
        let refuse = |path: SpecPath, message: String| {
            let found = Diagnostic::new(codes::TRACES_NOT_ALLOWED, message).at(path);
            Box::new(found.help("give the address with `--otlp-endpoint URL` or OTEL_EXPORTER_OTLP_ENDPOINT"))
        };
        let Some(allowed) = allowed else {
            let message = "the spec asks for traces, and where they may be sent is not said";
            return Err(refuse(runtime, message.to_owned()));
        };
        let parsed = |text: &str, path: SpecPath| {
            Self::parse(text).map_err(|reason| refuse(path, format!("no traces are sent: {reason}")))
        };
        let allowed = parsed(allowed, runtime)?;
        match config.otlp_endpoint.as_deref() {
            Some(other) if parsed(other, wanted.clone())? != allowed => {
                let message = "the spec wants its traces to be sent elsewhere than is allowed";
                Err(refuse(wanted, message.to_owned()))
            }
            _ => Ok(allowed),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|error| format!("the address is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("the address is not one of http or https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the address holds a name or a password; headers are given by OTEL_EXPORTER_OTLP_HEADERS"
                    .to_owned(),
            );
        }
        if url.path() == "/" {
            url.set_path(TRACES_PATH);
        }
        Ok(Self(url))
    }

    pub(super) fn url(&self) -> &str {
        self.0.as_str()
    }

    /// For messages: the host, without what a query may hold.
    pub(super) fn shown(&self) -> String {
        let port = self.0.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", self.0.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_replace_a_preset_and_older_spellings_add_to_both() {
        let lean =
            RuntimeConfig { tracing_preset: Some(TracingPreset::ProductionLean), ..RuntimeConfig::default() };
        let config = effective(&lean);
        assert!(config.enabled && config.record_metrics && !config.plan_diff);
        assert_eq!((config.rule_mode, config.preview_limit), (RuleTraceMode::PhaseOnly, 0));
        let full = effective(&RuntimeConfig { enable_rule_tracing: true, ..lean.clone() });
        assert_eq!(full.rule_mode, RuleTraceMode::PhaseOnly, "older spellings promote nothing that is on");
        let tracing = TracingConfig { otel_service_name: Some("x".to_owned()), ..TracingConfig::default() };
        let replaced = effective(&RuntimeConfig { tracing, enable_rule_tracing: true, ..lean });
        assert_eq!((replaced.enabled, replaced.rule_mode), (false, RuleTraceMode::Full));
        assert_eq!(effective(&RuntimeConfig::default()), TracingConfig::default());
    }

    #[test]
    fn what_no_trace_has_is_refused() {
        let fields = |runtime: &RuntimeConfig| -> Vec<String> {
            refusals(runtime).iter().filter_map(|found| Some(found.location.as_ref()?.to_string())).collect()
        };
        let preset = |preset| RuntimeConfig { tracing_preset: Some(preset), ..RuntimeConfig::default() };
        assert_eq!(fields(&preset(TracingPreset::Maximal)), ["runtime.tracing_preset"]);
        assert!(fields(&preset(TracingPreset::MaximalNoData)).is_empty());
        let preview = RuntimeConfig { enable_plan_preview: true, ..RuntimeConfig::default() };
        assert_eq!(fields(&preview), ["runtime.enable_plan_preview"]);
        let mut all = RuntimeConfig::default();
        all.tracing.instrument_object_store = true;
        all.tracing.otlp_protocol = Some(OtlpProtocol::Grpc);
        all.tracing.export_policy.traces_sampler = "jaeger_remote".to_owned();
        all.tracing.preview_limit = 3;
        assert_eq!(fields(&all).len(), 4, "{:?}", fields(&all));
        all = RuntimeConfig::default();
        all.tracing.export_policy.traces_sampler = "traceidratio".to_owned();
        all.tracing.export_policy.traces_sampler_arg = Some("2".to_owned());
        assert_eq!(fields(&all), ["runtime.tracing.export_policy"]);
    }

    #[test]
    fn traces_go_where_the_user_says_and_nowhere_else() {
        let of = |wanted: Option<&str>, allowed: Option<&str>| {
            let config =
                TracingConfig { otlp_endpoint: wanted.map(str::to_owned), ..TracingConfig::default() };
            Destination::of(&config, allowed).map(|it| it.url().to_owned())
        };
        let full = "http://127.0.0.1:4318/v1/traces";
        assert_eq!(of(None, Some("http://127.0.0.1:4318")).as_deref(), Ok(full));
        assert_eq!(of(Some(full), Some("http://127.0.0.1:4318/")).as_deref(), Ok(full));
        let refused = [
            (None, None),
            (Some(full), None),
            (Some("http://collector.example/"), Some(full)),
            (Some("http://127.0.0.1:4319"), Some(full)),
            (None, Some("ftp://127.0.0.1/")),
            (None, Some("http://name:secret@127.0.0.1:4318")),
            (None, Some("127.0.0.1:4318")),
        ];
        for (wanted, allowed) in refused {
            let found = of(wanted, allowed).unwrap_err();
            assert_eq!(found.code, codes::TRACES_NOT_ALLOWED);
            assert!(!found.message.contains("secret"), "{}", found.message);
        }
    }
}
