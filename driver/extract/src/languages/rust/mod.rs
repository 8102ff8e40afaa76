//! Rust: scopes, bindings, references and the other facts, by the rules of the Rust reference.
//!
//! Items are declared in the whole enclosing block or module; every `let` opens a scope from its end to the
//! end of the block, so that shadowing is nesting. Names live in namespaces (values, types, macros), which
//! references and definitions carry. A `mod` sees nothing of its parent, a nested `fn` no local variables
//! (see [`crate::lexical::Barrier`]).
//!
//! Limits of reading syntax only: macros are not expanded, their tokens become references of context
//! `macro`; an identifier alone in a pattern is a binding unless it starts with an upper-case letter, which by
//! convention makes it a constant, a unit struct or a variant; fields and methods are not resolved by type.

mod calls;
mod docs;
mod items;
mod modules;
mod names;
mod rules;
mod scopes;
mod uses;

use std::sync::LazyLock;

use crate::language::{Grammar, Language, decode_utf8};
use crate::lexical::{FrontEnd, analyse};
use crate::tree::{NodeIndex, RespelledNames, SyntaxTree};
use rules::{Analysis, Context, Role, Rust};

/// Rust.
pub(super) static LANGUAGE: Language = Language {
    name: "rust",
    extensions: &["rs"],
    grammar: LazyLock::new(|| Grammar::new(tree_sitter_rust::LANGUAGE)),
    markers: &[modules::CRATE_FILE],
    module: modules::module_at,
    facts: analyse::<Rust>,
    decode: decode_utf8,
    respelled: |_| RespelledNames::new(),
    flow: None,
    modules: None,
    definition_name,
};

fn definition_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    match tree.kind(index) {
        "identifier"
        | "type_identifier"
        | "field_identifier"
        | "shorthand_field_identifier"
        | "primitive_type"
        | "self"
        | "super"
        | "crate"
        | "metavariable" => Some(index),
        "function_item"
        | "function_signature_item"
        | "struct_item"
        | "enum_item"
        | "union_item"
        | "trait_item"
        | "mod_item"
        | "const_item"
        | "static_item"
        | "type_item"
        | "macro_definition"
        | "enum_variant"
        | "field_declaration"
        | "associated_type"
        | "type_parameter"
        | "const_parameter" => tree.child_by_field(index, "name"),
        "impl_item" => names::type_name(tree, tree.child_by_field(index, "type")?),
        _ => None,
    }
}

impl FrontEnd for Rust {
    type Role = Role;
    const READ: Role = Role::Read;
    const SKIP: Role = Role::Skip;

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
            .or_else(|| analysis.name_form(index, kind, context))
            .or_else(|| analysis.import_form(index, kind, context));
        if let Some(rest) = form {
            return rest;
        }
        match kind {
            "attribute_item" | "inner_attribute_item" => return context.with(Role::Skip),
            "call_expression" => analysis.call(index, context),
            "macro_invocation" => analysis.macro_call(index, context),
            "assignment_expression" | "compound_assignment_expr" => {
                analysis.set_field(index, "left", context.with(Role::Target));
            }
            _ => {}
        }
        context.with(context.role.below(kind))
    }
}
