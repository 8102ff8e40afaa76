//! The front end of TypeScript, and the part a node plays in its parent.

mod calls;
mod classes;
mod docs;
mod fields;
mod functions;
mod imports;
mod names;
mod scopes;

use crate::lexical::{self, BindingKind, Facts, FrontEnd, ScopeIndex, analyse};
use crate::modules::ModuleName;
use crate::tree::{NodeIndex, SyntaxTree};
pub(super) use calls::called;
pub(super) use fields::{This, assigned_exports, assigned_member, receivers};
pub(super) use functions::{is_function, is_function_value};
pub(super) use imports::specifier;
pub(super) use names::unquoted;

/// The rules of TypeScript.
pub(super) struct TypeScript;

/// The pass over a file.
pub(super) type Analysis<'t, 's, 'f> = lexical::Analysis<'t, 's, 'f, TypeScript>;

/// What a node of a file inherits.
pub(super) type Context = lexical::Context<TypeScript>;

/// The part a node plays in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An expression whose value is used, or a type.
    Read,
    /// The function of a call, or the class of `new`.
    Callee,
    /// The place an assignment writes.
    Target,
    /// A pattern that binds names of this kind in the given scope.
    Pattern(ScopeIndex, BindingKind),
    /// A name that is a value, a type or a namespace.
    Either,
    /// Not a use of a name.
    Skip,
}

impl Role {
    /// The role of the children of a node of this kind: some reach through the shells around names.
    fn below(self, kind: &str) -> Self {
        let through = match self {
            Self::Pattern(..) => is_pattern(kind) || matches!(kind, "formal_parameters"),
            Self::Target => {
                is_pattern(kind)
                    || matches!(
                        kind,
                        "parenthesized_expression"
                            | "non_null_expression"
                            | "as_expression"
                            | "satisfies_expression"
                    )
            }
            Self::Callee => matches!(
                kind,
                "parenthesized_expression" | "non_null_expression" | "instantiation_expression"
            ),
            Self::Skip => matches!(kind, "nested_identifier" | "jsx_namespace_name" | "named_imports"),
            Self::Read | Self::Either => false,
        };
        if through { self } else { Self::Read }
    }
}

/// Whether a node takes a value apart.
fn is_pattern(kind: &str) -> bool {
    matches!(
        kind,
        "object_pattern"
            | "array_pattern"
            | "rest_pattern"
            | "pair_pattern"
            | "assignment_pattern"
            | "object_assignment_pattern"
            | "required_parameter"
            | "optional_parameter"
    )
}

/// The facts of a file, before scopes of bindings are settled.
pub(super) fn facts<'s>(tree: &SyntaxTree<'s>, module: Option<&ModuleName>) -> Facts<'s> {
    let mut facts = analyse::<TypeScript>(tree, module);
    fields::assigned(tree, &mut facts);
    facts
}

impl FrontEnd for TypeScript {
    type Role = Role;
    const READ: Role = Role::Read;
    const SKIP: Role = Role::Skip;

    fn name(text: &str) -> &str {
        unquoted(text)
    }

    fn visit(
        analysis: &mut Analysis<'_, '_, '_>,
        index: NodeIndex,
        kind: &'static str,
        context: Context,
    ) -> Context {
        if docs::may_hold(kind) {
            analysis.annotations(index);
        }
        let form = analysis
            .function_form(index, kind, context)
            .or_else(|| analysis.class_form(index, kind, context))
            .or_else(|| analysis.scope_form(index, kind, context))
            .or_else(|| analysis.import_form(index, kind, context))
            .or_else(|| analysis.name_form(index, kind, context));
        if let Some(rest) = form {
            return rest;
        }
        match kind {
            "call_expression" | "new_expression" => analysis.call(index, kind, context),
            "decorator" => return context.with(Role::Read),
            _ => {}
        }
        context.with(context.role.below(kind))
    }
}
