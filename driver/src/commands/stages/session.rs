//! `driver session [SPEC]`: the session a spec runs in, with where each setting comes from.

use engine::{EffectiveSetting, Origin, Session};
use ir::spec::{SessionSpec, unsupported};
use serde_json::{Value, json};

use crate::cli::SessionArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::{Align, table};

pub(in crate::commands) fn run(arguments: &SessionArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let source = arguments.spec.as_ref().map(|path| context.read_spec(path)).transpose()?;
    if let Some(source) = &source {
        let mut findings = source.findings.clone();
        findings.extend(pipeline::setting_findings(&source.spec.session));
        if findings.iter().any(ir::diag::Diagnostic::is_error) {
            return Err(Failure::Findings { diagnostics: findings, source: Box::new(source.map.clone()) });
        }
        context.console.diagnose(&findings, &source.map);
    }
    let none = SessionSpec::default();
    let (profile, settings) = match &source {
        Some(source) => (source.spec.runtime_profile.as_ref(), &source.spec.session),
        None => (None, &none),
    };
    let session = context.workers()?.session_of(profile, settings)?;
    if context.console.is_json() {
        return context.console.print_json(&document(&session));
    }
    let is_verbose = context.console.is_verbose();
    context.console.print(&text(&session, is_verbose))
}

/// All of it, for programs.
fn document(session: &Session) -> Value {
    let reserved = unsupported::RESERVED.iter().map(|row| json!({"field": row.path, "why": row.why}));
    json!({
        "profile": session.options().profile,
        "settings": session.effective(),
        "reserved": reserved.collect::<Vec<_>>(),
        "planning_surface": session.surface(),
        "planning_surface_hash": session.surface_hash(),
        "capabilities": pipeline::record::capabilities(),
    })
}

/// What differs from DataFusion by itself; everything when asked for more.
fn text(session: &Session, is_verbose: bool) -> String {
    let headers = [("setting", Align::Left), ("value", Align::Left), ("from", Align::Left)];
    let settings = session.effective();
    let shown = settings.iter().filter(|setting| is_verbose || setting.origin != Origin::Datafusion);
    let rows = shown.map(|setting: &EffectiveSetting| {
        vec![setting.key.clone(), setting.value.clone(), origin_text(&setting.origin)]
    });
    let table = table(&headers, rows);
    let capabilities = pipeline::record::capabilities();
    let lines = capabilities.iter().map(|capability| {
        let is = if capability.available { "yes" } else { "no" };
        let (name, more) = (&capability.name, &capability.reason);
        format!("  {name}: {is}{}\n", more.as_ref().map_or(String::new(), |why| format!(", {why}")))
    });
    format!(
        "profile {}, planning surface {}\n\n{table}\ncapabilities\n{}",
        session.options().profile,
        session.surface_hash().short(),
        lines.collect::<String>()
    )
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Datafusion => "DataFusion".to_owned(),
        Origin::Program => "program".to_owned(),
        Origin::Machine => "machine".to_owned(),
        Origin::Profile(name) => format!("profile {name}"),
        Origin::RuntimeProfile => "spec, runtime_profile".to_owned(),
        Origin::SessionConfig => "spec, session.config".to_owned(),
        Origin::CommandLine => "command line".to_owned(),
    }
}
