//! The front end of Python, and the part a node plays in its parent.

use crate::lexical::{self, ScopeIndex};

/// The rules of Python.
pub(super) struct Python;

/// The pass over a Python file.
pub(super) type Analysis<'t, 's, 'f> = lexical::Analysis<'t, 's, 'f, Python>;

/// What a node of a Python file inherits.
pub(super) type Context = lexical::Context<Python>;

/// The part a node plays in its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An expression whose value is used.
    Read,
    /// The function of a call.
    Callee,
    /// A target of assignment that binds names in the given scope.
    Target(ScopeIndex),
    /// A target of `del`.
    Delete,
    /// A parameter of the function with the given scope.
    Parameter(ScopeIndex),
    /// A type parameter declared in the given scope.
    TypeParameter(ScopeIndex),
    /// A pattern of `case`.
    Pattern,
    /// Not a use of a name: keyword of an argument, name of a definition, part of an import.
    Skip,
}

impl Role {
    /// The role of the children of a node of this kind: some reach through brackets and lists of targets, everything
    /// else starts afresh.
    pub(super) fn below(self, kind: &str) -> Self {
        let through = match self {
            Self::Target(_) | Self::Delete => matches!(
                kind,
                "pattern_list"
                    | "tuple_pattern"
                    | "list_pattern"
                    | "list_splat_pattern"
                    | "tuple"
                    | "list"
                    | "parenthesized_expression"
                    | "expression_list"
                    | "list_splat"
                    | "as_pattern_target"
                    | "parenthesized_list_splat"
            ),
            Self::Parameter(_) => matches!(
                kind,
                "parameters"
                    | "lambda_parameters"
                    | "typed_parameter"
                    | "list_splat_pattern"
                    | "dictionary_splat_pattern"
                    | "tuple_pattern"
            ),
            Self::TypeParameter(_) => matches!(kind, "type_parameter" | "splat_type" | "list_splat"),
            Self::Pattern => matches!(
                kind,
                "case_pattern"
                    | "class_pattern"
                    | "keyword_pattern"
                    | "splat_pattern"
                    | "dict_pattern"
                    | "tuple_pattern"
                    | "list_pattern"
                    | "union_pattern"
                    | "as_pattern"
            ),
            Self::Callee => kind == "parenthesized_expression",
            Self::Skip => matches!(kind, "dotted_name" | "relative_import" | "aliased_import"),
            Self::Read => false,
        };
        if through { self } else { Self::Read }
    }

    /// The role of the content of a `type` node, which hands on that of a type parameter.
    pub(super) fn in_type(self) -> Self {
        match self {
            Self::TypeParameter(_) => self,
            Self::Read
            | Self::Callee
            | Self::Target(_)
            | Self::Delete
            | Self::Parameter(_)
            | Self::Pattern
            | Self::Skip => Self::Read,
        }
    }
}
