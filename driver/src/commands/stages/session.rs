//! `driver session [SPEC]`: the session a spec runs in: where each setting comes from, which extensions there are and which
//! of them the spec allows.

use engine::{EffectiveSetting, Origin, Session};
use ir::spec::{AllowedExtensions, ExtensionGovernanceMode, SessionSpec, unsupported};
use pipeline::Source;
use serde_json::{Value, json};

use crate::cli::SessionArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

pub(in crate::commands) fn run(arguments: &SessionArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let spec = arguments.spec.as_ref();
    let source = spec.map(|path| context.read_spec_with(path, &arguments.parameters)).transpose()?;
    if let Some(source) = &source {
        let mut findings = source.findings.clone();
        findings.extend(pipeline::setting_findings(&source.spec.session));
        if findings.iter().any(ir::diag::Diagnostic::is_error) {
            return Err(Failure::Findings { diagnostics: findings, source: Box::new(source.map.clone()) });
        }
        context.console.diagnose(&findings, &source.map);
    }
    let (none, no_rules) = (SessionSpec::default(), ExtensionGovernanceMode::default());
    let (profile, settings, mode) = match &source {
        Some(Source { spec, .. }) => {
            (spec.runtime_profile.as_ref(), &spec.session, spec.runtime.extension_governance_mode)
        }
        None => (None, &none, no_rules),
    };
    let session = context.workers()?.session_of(profile, settings)?;
    if let Some(source) = &source {
        let listed = pipeline::listing_findings(&source.spec, &session);
        if listed.iter().any(ir::diag::Diagnostic::is_error) {
            return Err(Failure::Findings { diagnostics: listed, source: Box::new(source.map.clone()) });
        }
        context.console.diagnose(&listed, &source.map);
    }
    let governed = Governed { mode, allowed: &settings.allowed_extensions };
    if context.console.is_json() {
        return context.console.print_json(&document(&session, &governed)?);
    }
    let is_verbose = context.console.is_verbose();
    context.console.print(&text(&session, &governed, is_verbose))
}

/// What a spec says of extensions.
struct Governed<'a> {
    mode: ExtensionGovernanceMode,
    allowed: &'a AllowedExtensions,
}

/// All of it, for programs.
fn document(session: &Session, governed: &Governed<'_>) -> Result<Value, Failure> {
    let reserved = unsupported::RESERVED.iter().map(|row| json!({"field": row.path, "why": row.why}));
    let extensions = session.extensions().into_iter().map(|extension| {
        let mut shown = json!(extension);
        shown["listed"] = extension.is_allowed(governed.allowed).into();
        shown
    });
    let manifest = session.manifest(governed.mode, governed.allowed);
    let manifest =
        manifest.map_err(|error| Failure::User(format!("the manifest cannot be written: {error}")))?;
    Ok(json!({
        "profile": session.options().profile,
        "settings": session.effective(),
        "reserved": reserved.collect::<Vec<_>>(),
        "planning_surface": session.surface(),
        "planning_surface_hash": session.surface_hash(),
        "manifest": manifest,
        "extensions": extensions.collect::<Vec<_>>(),
        "caches": session.cache_use(),
        "capabilities": pipeline::record::capabilities(),
    }))
}

/// What differs from DataFusion by itself; everything when asked for more.
fn text(session: &Session, governed: &Governed<'_>, is_verbose: bool) -> String {
    let headers = [("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)];
    let settings = session.effective();
    let shown = settings.iter().filter(|setting| is_verbose || setting.origin != Origin::Datafusion);
    let rows = shown.map(|setting: &EffectiveSetting| {
        vec![setting.key.clone(), setting.value.clone(), origin_text(&setting.origin)]
    });
    let settings = table(&headers, rows);
    let capabilities = pipeline::record::capabilities();
    let lines = capabilities.iter().map(|capability| {
        let is = if capability.available { "yes" } else { "no" };
        let (name, more) = (&capability.name, &capability.reason);
        format!("  {name}: {is}{}\n", more.as_ref().map_or(String::new(), |why| format!(", {why}")))
    });
    format!(
        "profile {}, planning surface {}\n\n{settings}\n{}\ncapabilities\n{}",
        session.options().profile,
        session.surface_hash().short(),
        extensions(session, governed),
        lines.collect::<String>()
    )
}

/// What the session has that is not DataFusion's own, and whether the spec lists it.
fn extensions(session: &Session, governed: &Governed<'_>) -> String {
    let headers = ["extension", "name", "version", "listed"].map(|header| (header, Align::Left));
    let rows = session.extensions().into_iter().map(|extension| {
        let listed = if extension.is_allowed(governed.allowed) { "yes" } else { "no" };
        let names = [std::slice::from_ref(&extension.name), &extension.aliases].concat().join(", ");
        let kind = extension.function.map_or(extension.kind.field().to_owned(), |function| {
            format!("{} ({function})", extension.kind.field())
        });
        vec![kind, names, extension.version, listed.to_owned()]
    });
    let mode = match governed.mode {
        ExtensionGovernanceMode::StrictAllowlist => "what is not allowed is refused",
        ExtensionGovernanceMode::WarnOnUnregistered => "what is not allowed is warned of",
        ExtensionGovernanceMode::Permissive => "everything may be used, listed or not",
    };
    format!("extensions: {mode}; functions count where a spec calls them\n{}", table(&headers, rows))
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Datafusion => "DataFusion".to_owned(),
        Origin::Program => "program".to_owned(),
        Origin::Machine => "machine".to_owned(),
        Origin::Profile(name) => format!("profile {name}"),
        Origin::RuntimeProfile => "spec, runtime_profile".to_owned(),
        Origin::SessionConfig => "spec, session.config".to_owned(),
        Origin::Configuration(file) => file.clone(),
        Origin::Environment(variable) => variable.clone(),
        Origin::CommandLine => "command line".to_owned(),
    }
}
