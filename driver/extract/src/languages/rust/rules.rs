//! The front end of Rust, and the part a node plays in its parent.

use crate::lexical::{self, BindingKind, ScopeIndex};

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
            Self::Read => false,
        };
        if through { self } else { Self::Read }
    }
}
