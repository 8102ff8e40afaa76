//! Rust: scopes, bindings, references and the other facts, by the rules of the Rust reference.
//!
//! Items are declared in the whole enclosing block or module; every `let` opens a scope from its end to the
//! end of the block, so that shadowing is nesting. Names live in namespaces (values, types, macros), which
//! references and definitions carry. A `mod` sees nothing of its parent, a nested `fn` no local variables
//! (see [`crate::lexical::Barrier`]).
//!
//! Limits of reading syntax only: macros are not expanded. The tokens of their calls are read as arguments, statements or
//! items when they parse as such; other tokens, and those of the bodies of `macro_rules!`, become references of context
//! `macro`. An identifier alone in a pattern is a binding unless it starts with an upper-case letter, which by
//! convention makes it a constant, a unit struct or a variant; fields and methods are not resolved by type.

mod crates;
mod symbols;
mod syntax;

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::language::{Grammar, Language, decode_utf8};
use crate::lexical::analyse;
use crate::tree::{NodeIndex, RespelledNames, SyntaxTree};
use crates::convention;
use syntax::Rust;

/// Rust.
pub(super) static LANGUAGE: Language = Language {
    name: "rust",
    extensions: &["rs"],
    grammar: LazyLock::new(|| Grammar::new(tree_sitter_rust::LANGUAGE)),
    dialect: None,
    embedding: Some(syntax::embedding),
    markers: &[convention::CRATE_FILE],
    module: convention::module_at,
    facts: analyse::<Rust>,
    decode: decode_utf8,
    parsed_text: |text| Cow::Borrowed(text),
    other_text: None,
    respelled: |_| RespelledNames::new(),
    flow: None,
    modules: None,
    linker: Some(crates::linker),
    definition_name,
    symbols: &symbols::RULES,
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
        "impl_item" => syntax::type_name(tree, tree.child_by_field(index, "type")?),
        _ => None,
    }
}
