//! Extensions: what a session has besides DataFusion's own parts, and which of its functions a spec calls.
//!
//! What becomes of those that a spec does not list is decided by whoever compiles it.

#![expect(clippy::wildcard_enum_match_arm, reason = "trees of SQL of which only calls are meant")]

use std::collections::BTreeMap;

use datafusion::sql::sqlparser::ast::{Expr, ObjectNamePart, TrimWhereField, Visit};
use datafusion::sql::sqlparser::tokenizer::Span;
use functions::FunctionKind;
use ir::expr::{normalize, walk};
use ir::spec::{AllowedExtensions, ExtensionKind, SHIPPED_EXTENSIONS};
use serde::Serialize;

use super::Session;
use super::surface::{PlanningSurface, Provider, provider};
use crate::emit::{Called, called};

/// A part of a session that is not DataFusion's own as it ships.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extension {
    /// What it is.
    pub kind: ExtensionKind,
    /// Its name; of a function, that which its author gave it.
    pub name: String,
    /// Of a function, whether it is `scalar`, `aggregate` or `window`.
    pub function: Option<&'static str>,
    /// The other names that it is called by, in order.
    pub aliases: Vec<String>,
    /// Its version, as the planning surface has it.
    pub version: String,
    /// Whose it is.
    pub provider: Provider,
}

impl Extension {
    /// Whether a list has it: by one of its names, or among all that ship with this program.
    #[must_use]
    pub fn is_allowed(&self, allowed: &AllowedExtensions) -> bool {
        let is_it = |name: &String| {
            *name == self.name
                || self.aliases.contains(name)
                || (name == SHIPPED_EXTENSIONS && self.provider == Provider::Codeanatomy)
        };
        allowed.of(self.kind).iter().any(is_it)
    }
}

/// Functions by the names that their authors gave them.
pub(super) type ExtensionFunctions = BTreeMap<(String, FunctionKind), Extension>;

/// A call of a function that is an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCall {
    /// The function.
    pub function: Extension,
    /// Where its name stands in the SQL; nowhere for what is called by an operator.
    pub span: Span,
}

impl PlanningSurface {
    /// Whether a part of this kind has this name.
    #[must_use]
    pub fn has(&self, kind: ExtensionKind, name: &str) -> bool {
        self.of_kind(kind).iter().any(|(part, _)| *part == name)
    }
}

impl Session {
    /// All extensions, by kind: functions in the order of their names, everything else in that of the planning surface. A
    /// rule that runs at several places is there once.
    #[must_use]
    pub fn extensions(&self) -> Vec<Extension> {
        let mut extensions: Vec<Extension> = self.extension_functions().values().cloned().collect();
        for kind in ExtensionKind::ALL.iter().filter(|kind| **kind != ExtensionKind::Functions) {
            for (name, version) in self.surface().of_kind(*kind) {
                let extension = Extension {
                    kind: *kind,
                    name: name.to_owned(),
                    function: None,
                    aliases: Vec::new(),
                    version: version.to_owned(),
                    provider: provider(version),
                };
                if extension.provider != Provider::Datafusion && !extensions.contains(&extension) {
                    extensions.push(extension);
                }
            }
        }
        extensions
    }

    /// The calls of extensions in a tree of SQL, its subqueries included, each name resolved as the planner resolves it.
    #[must_use]
    pub fn extension_calls(&self, tree: &impl Visit) -> Vec<FunctionCall> {
        let functions = self.extension_functions();
        let mut calls = Vec::new();
        walk::expressions(tree, |expr| {
            let Some((name, over, span)) = call(expr) else { return };
            let key = match called(self.state(), &name, over) {
                Some(Called::Scalar(function)) => (function.name().to_owned(), FunctionKind::Scalar),
                Some(Called::Aggregate(function)) => (function.name().to_owned(), FunctionKind::Aggregate),
                Some(Called::Window(function)) => (function.name().to_owned(), FunctionKind::Window),
                Some(Called::HigherOrder) | None => return,
            };
            if let Some(function) =
                functions.get(&key).filter(|it| it.name == name || it.aliases.contains(&name))
            {
                calls.push(FunctionCall { function: function.clone(), span });
            }
        });
        calls
    }

    /// The functions that are extensions. They are made when they are asked for first: every expression of a spec may ask.
    fn extension_functions(&self) -> &ExtensionFunctions {
        self.extension_functions.get_or_init(|| self.find_extension_functions())
    }

    fn find_extension_functions(&self) -> ExtensionFunctions {
        let state = self.state();
        let scalar =
            state.scalar_functions().iter().map(|(name, it)| (FunctionKind::Scalar, name, it.name()));
        let aggregate =
            state.aggregate_functions().iter().map(|(name, it)| (FunctionKind::Aggregate, name, it.name()));
        let window =
            state.window_functions().iter().map(|(name, it)| (FunctionKind::Window, name, it.name()));
        let own: BTreeMap<(FunctionKind, &str), &str> = scalar
            .chain(aggregate)
            .chain(window)
            .map(|(kind, name, own)| ((kind, name.as_str()), own))
            .collect();
        let mut functions = ExtensionFunctions::new();
        for part in &self.surface().functions {
            let provider = provider(&part.version);
            let kinds = [FunctionKind::Scalar, FunctionKind::Aggregate, FunctionKind::Window];
            let Some(kind) = kinds.into_iter().find(|kind| kind.name() == part.kind) else { continue };
            let Some(own) = own.get(&(kind, part.name.as_str())).filter(|_| provider != Provider::Datafusion)
            else {
                continue;
            };
            let extension = functions.entry(((*own).to_owned(), kind)).or_insert_with(|| Extension {
                kind: ExtensionKind::Functions,
                name: (*own).to_owned(),
                function: Some(kind.name()),
                aliases: Vec::new(),
                version: part.version.clone(),
                provider,
            });
            if part.name != *own {
                extension.aliases.push(part.name.clone());
            }
        }
        functions
    }
}

/// The name of the function that an expression calls, whether over a window, and where it stands. Besides calls these are the
/// operators that the planner looks up by the name of a function; it has functions of its own for all others.
fn call(expr: &Expr) -> Option<(String, bool, Span)> {
    let by_operator = |name: &str| Some((name.to_owned(), false, Span::empty()));
    match expr {
        Expr::Function(function) => match function.name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => {
                Some((normalize(ident), function.over.is_some(), ident.span))
            }
            _ => None,
        },
        Expr::AtTimeZone { .. } => by_operator("at_time_zone"),
        Expr::Ceil { .. } => by_operator("ceil"),
        Expr::Floor { .. } => by_operator("floor"),
        Expr::Trim { trim_where, .. } => by_operator(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            Some(TrimWhereField::Both) => "btrim",
            None => "trim",
        }),
        _ => None,
    }
}
