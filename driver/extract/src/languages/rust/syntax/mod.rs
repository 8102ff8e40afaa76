//! The front end of Rust, and the part a node plays in its parent.

mod calls;
mod docs;
mod items;
mod macros;
mod names;
mod scopes;
mod uses;

use crate::lexical::{self, BindingKind, FrontEnd, ScopeIndex};
use crate::tree::NodeIndex;
pub(super) use macros::embedding;
pub(super) use names::type_name;

/// The rules of Rust.
pub(super) struct Rust;

/// The pass over a Rust file.
pub(super) type Analysis<'t, 's, 'f> = lexical::Analysis<'t, 's, 'f, Rust>;

/// What a node of a Rust file inherits.
pub(super) type Context = lexical::Context<Rust>;

/// The part a node plays in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An expression whose value is used.
    Read,
    /// The function of a call.
    Callee,
    /// The place an assignment writes.
    Target,
    /// A pattern that binds names of this kind in the given scope.
    Pattern(ScopeIndex, BindingKind),
    /// Part of a path whose head is looked up among types and modules.
    PathHead,
    /// An argument of a macro that is but a name: of which namespace, only the macro knows.
    Token,
    /// An argument of a macro with its name.
    NamedArgument,
    /// The body of a macro.
    Template,
    /// Not a use of a name.
    Skip,
}

impl Role {
    /// The role of the children of a node of this kind: some reach through the shells around names.
    pub(super) fn below(self, kind: &str) -> Self {
        let through = match self {
            Self::Pattern(..) => matches!(
                kind,
                "tuple_pattern"
                    | "tuple_struct_pattern"
                    | "slice_pattern"
                    | "struct_pattern"
                    | "field_pattern"
                    | "ref_pattern"
                    | "reference_pattern"
                    | "mut_pattern"
                    | "or_pattern"
                    | "captured_pattern"
                    | "match_pattern"
                    | "parameter"
                    | "parameters"
                    | "closure_parameters"
                    | "self_parameter"
            ),
            Self::Callee => matches!(kind, "parenthesized_expression" | "generic_function"),
            Self::Target => matches!(kind, "tuple_expression" | "parenthesized_expression"),
            Self::Skip => true,
            Self::PathHead => kind == "bracketed_type",
            Self::Read | Self::Token | Self::NamedArgument | Self::Template => false,
        };
        if through { self } else { Self::Read }
    }
}

impl FrontEnd for Rust {
    type Role = Role;
    const READ: Role = Role::Read;
    const SKIP: Role = Role::Skip;

    fn name(text: &str) -> &str {
        text.strip_prefix("r#").unwrap_or(text)
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
            .item(index, kind, context)
            .or_else(|| analysis.scope_form(index, kind, context))
            .or_else(|| analysis.macro_form(index, kind, context))
            .or_else(|| analysis.name_form(index, kind, context))
            .or_else(|| analysis.import_form(index, kind, context));
        if let Some(rest) = form {
            return rest;
        }
        match kind {
            "attribute_item" | "inner_attribute_item" => return context.with(Role::Skip),
            "call_expression" => analysis.call(index, context),
            "macro_invocation" => analysis.macro_call(index, context),
            "assignment_expression" if context.role == Role::NamedArgument => {
                analysis.set_field(index, "left", context.with(Role::Skip));
            }
            "assignment_expression" | "compound_assignment_expr" => {
                analysis.set_field(index, "left", context.with(Role::Target));
            }
            _ => {}
        }
        context.with(context.role.below(kind))
    }
}
