//! TypeScript and JavaScript: scopes, bindings, references and the other facts, by the rules of ECMAScript 2024 and of
//! TypeScript 5.
//!
//! Names are declared in the whole block or function around them; `var` belongs to the function. Values and types are two
//! namespaces: interfaces, aliases and type parameters are types, classes, enumerations, namespaces and imports are both.
//! What names lead to over files, and what members belong to, is found by [`modules`].
//!
//! Both languages are one here, for their files import each other. Files of JavaScript and those with elements (JSX) are read
//! by the grammar of TSX, the others by that of TypeScript, which has type assertions in angle brackets.
//!
//! Limits: the grammar does not know variance annotations (`in`, `out`) and takes a signature that begins with `<` behind
//! one without a semicolon for type arguments. Members that are added to a `prototype`, and modules that `declare module
//! "name"` describes, are not found over files; of `namespace A.B` only `A` is bound.

mod modules;
mod symbols;
mod syntax;

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::language::{Dialect, Grammar, Language, decode_utf8};
use crate::tree::{NodeIndex, RespelledNames, SyntaxTree};

/// TypeScript and JavaScript.
pub(super) static LANGUAGE: Language = Language {
    name: "typescript",
    extensions: &["ts", "mts", "cts", "tsx", "js", "jsx", "mjs", "cjs"],
    grammar: LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT)),
    dialect: Some(Dialect {
        extensions: &["tsx", "js", "jsx", "mjs", "cjs"],
        grammar: LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TSX)),
    }),
    parsed_text: |text| Cow::Borrowed(text),
    other_text: None,
    embedding: None,
    markers: &[],
    module: |_, _| None,
    facts: syntax::facts,
    decode: decode_utf8,
    respelled: |_| RespelledNames::new(),
    flow: None,
    modules: None,
    linker: Some(modules::linker),
    definition_name,
    symbols: &symbols::RULES,
};

fn definition_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    match tree.kind(index) {
        "identifier"
        | "type_identifier"
        | "property_identifier"
        | "private_property_identifier"
        | "shorthand_property_identifier"
        | "shorthand_property_identifier_pattern"
        | "statement_identifier" => Some(index),
        "function_declaration"
        | "generator_function_declaration"
        | "function_signature"
        | "function_expression"
        | "generator_function"
        | "class_declaration"
        | "abstract_class_declaration"
        | "class"
        | "interface_declaration"
        | "type_alias_declaration"
        | "enum_declaration"
        | "enum_assignment"
        | "internal_module"
        | "module"
        | "method_definition"
        | "method_signature"
        | "abstract_method_signature"
        | "public_field_definition"
        | "property_signature"
        | "type_parameter" => tree.child_by_field(index, "name"),
        "variable_declarator" => {
            let name = tree.child_by_field(index, "name")?;
            (tree.kind(name) == "identifier").then_some(name)
        }
        "required_parameter" | "optional_parameter" => {
            tree.child_by_field(index, "pattern").filter(|&name| tree.kind(name) == "identifier")
        }
        "import_specifier" | "export_specifier" => {
            tree.child_by_field(index, "alias").or_else(|| tree.child_by_field(index, "name"))
        }
        "pair" => tree.child_by_field(index, "key"),
        "assignment_expression" => syntax::assigned_member(tree, index).map(|(_, name)| name),
        _ => None,
    }
}
