//! Which extensions a spec may use: what it lists, against what the session has and what its views call.
//!
//! An extension is a part of the session that is not DataFusion's own as it ships ([`engine::Extension`]). Functions count
//! where the spec calls them, in expressions and queries alike; planners, rewrites and rules count because the session has
//! them: any plan may pass through them. What the compiler makes of a view by itself (a `CpgEmit` view calls functions that
//! make identifiers) is no call of the spec.

use std::collections::BTreeSet;

use engine::{Extension, FunctionCall, Session};
use ir::diag::{Code, Diagnostic, SpecPath, codes, nearest_name};
use ir::expr::bytes_of;
use ir::graph::{Graph, Owner};
use ir::op::Op;
use ir::origin::{Origins, Place, SpecField};
use ir::spec::{AllowedExtensions, ExtensionGovernanceMode, ExtensionKind, SHIPPED_EXTENSIONS, Spec};
use ir::stage::Stage;

/// The codes of a mode: of an extension that is not listed, and of a listed name that no part has.
struct Codes {
    not_listed: Option<Code>,
    unknown: Code,
}

impl Codes {
    fn of(mode: ExtensionGovernanceMode) -> Self {
        match mode {
            ExtensionGovernanceMode::StrictAllowlist => {
                Self { not_listed: Some(codes::EXTENSION_NOT_ALLOWED), unknown: codes::UNKNOWN_EXTENSION }
            }
            ExtensionGovernanceMode::WarnOnUnregistered => Self {
                not_listed: Some(codes::EXTENSION_NOT_LISTED),
                unknown: codes::UNKNOWN_LISTED_EXTENSION,
            },
            ExtensionGovernanceMode::Permissive => {
                Self { not_listed: None, unknown: codes::UNKNOWN_LISTED_EXTENSION }
            }
        }
    }
}

/// What a lowered graph and its session use that the spec does not list, and what it lists in vain.
pub(super) fn extension_findings(
    spec: &Spec,
    session: &Session,
    graph: &Graph,
    origins: &Origins,
) -> Vec<Diagnostic> {
    let mut findings = listing_findings(spec, session);
    let Some(code) = Codes::of(spec.runtime.extension_governance_mode).not_listed else { return findings };
    let allowed = &spec.session.allowed_extensions;
    let mode = SpecPath::root().field("runtime").field("extension_governance_mode");
    let registered = session.extensions().into_iter();
    let registered = registered.filter(|it| it.kind != ExtensionKind::Functions && !it.is_allowed(allowed));
    findings.extend(registered.map(|extension| {
        let message = format!("the session has {}, which {}", named(&extension), not_listed(&extension));
        of_extension(Diagnostic::new(code, message), &extension).at(mode.clone())
    }));
    findings.extend(calls(session, graph, origins, allowed).into_iter().map(|Call { by, call, place }| {
        let FunctionCall { function, span } = call;
        let message = format!("{by} calls {}, which {}", named(&function), not_listed(&function));
        let bytes = place.sql.as_ref().and_then(|sql| bytes_of(sql, span));
        place.mark(of_extension(Diagnostic::new(code, message), &function), bytes)
    }));
    findings
}

/// The names that a spec lists and no part of the session has.
#[must_use]
pub fn listing_findings(spec: &Spec, session: &Session) -> Vec<Diagnostic> {
    let code = Codes::of(spec.runtime.extension_governance_mode).unknown;
    let lists = &spec.session.allowed_extensions;
    let mut findings = Vec::new();
    for kind in ExtensionKind::ALL {
        let field = SpecPath::root().field("session").field("allowed_extensions").field(kind.field());
        for (index, name) in lists.of(*kind).iter().enumerate() {
            if name == SHIPPED_EXTENSIONS || session.surface().has(*kind, name) {
                continue;
            }
            let extensions = session.extensions();
            let known = extensions.iter().filter(|it| it.kind == *kind);
            let known = known.flat_map(|it| it.aliases.iter().chain([&it.name])).map(String::as_str);
            let message = format!("none of the {} of the session is called `{name}`", kind.field());
            let help = nearest_name(name, known.chain([SHIPPED_EXTENSIONS])).map_or_else(
                || "remove it; `driver session` lists what there is".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let found = Diagnostic::new(code, message).at(field.index(index)).found(name).help(help);
            findings.push(found.about("extension", name).in_stage(Stage::Session));
        }
    }
    findings
}

/// A call of a function that the spec does not list.
struct Call {
    /// What calls it, such as ``view `v` ``.
    by: String,
    call: FunctionCall,
    /// The text of SQL.
    place: Place,
}

/// The calls of a graph: of each function once for each text of SQL.
fn calls(session: &Session, graph: &Graph, origins: &Origins, allowed: &AllowedExtensions) -> Vec<Call> {
    let mut calls = Vec::new();
    for id in graph.ids() {
        let Some(node) = graph.get(id) else { continue };
        let expressions = node.op.expressions().into_iter();
        let mut found: Vec<_> = expressions
            .map(|used| (SpecField::from(used.field), session.extension_calls(used.expr.ast())))
            .collect();
        if let Op::Query(query) = &node.op {
            found.push((SpecField::Operation, session.extension_calls(query.query.ast())));
        }
        for (field, of_text) in found {
            let mut seen = BTreeSet::new();
            let new = of_text.into_iter().filter(|call| !call.function.is_allowed(allowed));
            let new = new.filter(|call| seen.insert((call.function.name.clone(), call.function.function)));
            let place = |call| Call {
                by: described(&node.owner),
                call,
                place: origins.place(&node.owner, field.clone()),
            };
            calls.extend(new.map(place));
        }
    }
    calls
}

fn described(owner: &Owner) -> String {
    match owner {
        Owner::View(name) => format!("view `{name}`"),
        Owner::Output(name) => format!("output `{name}`"),
        Owner::Assertion(name) => format!("assertion `{name}`"),
    }
}

/// What an extension is, with its name.
fn named(extension: &Extension) -> String {
    let what = match extension.kind {
        ExtensionKind::Functions => "the function",
        ExtensionKind::ExprPlanners => "the expression planner",
        ExtensionKind::RelationPlanners => "the relation planner",
        ExtensionKind::TypePlanners => "the type planner",
        ExtensionKind::QueryPlanners => "the query planner",
        ExtensionKind::FunctionRewrites => "the function rewrite",
        ExtensionKind::TableFactories => "the table factory",
        ExtensionKind::FileFormats => "the file format",
        ExtensionKind::AnalyzerRules => "the analyzer rule",
        ExtensionKind::OptimizerRules => "the optimizer rule",
        ExtensionKind::PhysicalOptimizerRules => "the physical optimizer rule",
    };
    format!("{what} `{}`", extension.name)
}

fn not_listed(extension: &Extension) -> String {
    format!("`session.allowed_extensions.{}` does not list", extension.kind.field())
}

/// A finding about an extension, with what to do.
fn of_extension(found: Diagnostic, extension: &Extension) -> Diagnostic {
    let found = found.about("kind", extension.kind.field()).about("extension", &extension.name);
    found.in_stage(Stage::FrontPasses).help(help(extension))
}

fn help(extension: &Extension) -> String {
    match extension.provider {
        engine::Provider::Codeanatomy => format!(
            "list `{}` there, or `{SHIPPED_EXTENSIONS}` for all of this kind that ship with the program",
            extension.name
        ),
        engine::Provider::Extension | engine::Provider::Datafusion => {
            format!("list `{}` there", extension.name)
        }
    }
}
