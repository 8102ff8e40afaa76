//! Python: scopes, bindings, references and the other facts, as CPython's compiler sees them.
//!
//! The rules follow the Python language reference, section 4.2 (Naming and binding), for Python 3.8 to 3.13.

mod calls;
mod modules;
mod names;
mod rules;
mod scopes;
mod statements;
mod symbols;
mod text;
mod values;

use std::sync::LazyLock;

use crate::language::{Grammar, Language, ModuleSearch};
use crate::lexical::{Facts, FrontEnd, analyse, flow};
use crate::tree::{NodeIndex, SyntaxTree};
use rules::{Analysis, Context, Python, Role};

/// Python.
pub(super) static LANGUAGE: Language = Language {
    name: "python",
    extensions: &["py", "pyi", "pyw"],
    grammar: LazyLock::new(|| Grammar::new(tree_sitter_python::LANGUAGE)),
    dialect: None,
    embedding: None,
    markers: modules::MARKERS,
    module: modules::module_at,
    facts: analyse::<Python>,
    decode: text::decode,
    parsed_text: text::parsed_text,
    other_text: Some(text::joined_text),
    respelled: text::respelled,
    flow: Some(bindings_in_force),
    modules: Some(ModuleSearch {
        link_imports: modules::link_imports,
        containing: modules::containing_modules,
    }),
    linker: None,
    definition_name,
    symbols: &symbols::RULES,
};

fn bindings_in_force(tree: &SyntaxTree<'_>, facts: &mut Facts<'_>) {
    flow(tree, facts, &statements::RULES);
}

fn definition_name(tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex> {
    match tree.kind(index) {
        "identifier" => Some(index),
        "function_definition" | "class_definition" => tree.child_by_field(index, "name"),
        "type_alias_statement" => scopes::alias_name(tree, index),
        _ => None,
    }
}

impl FrontEnd for Python {
    type Role = Role;
    const READ: Role = Role::Read;
    const SKIP: Role = Role::Skip;

    fn visit(
        analysis: &mut Analysis<'_, '_, '_>,
        index: NodeIndex,
        kind: &'static str,
        context: Context,
    ) -> Context {
        let form =
            analysis.binding_form(index, kind, context).or_else(|| analysis.scope_form(index, kind, context));
        if let Some(rest) = form {
            return rest;
        }
        match kind {
            "identifier" => analysis.identifier(index, context),
            "return_statement" | "yield" => analysis.returned(index, kind, context),
            "call" => analysis.call(index, context),
            "attribute" => analysis.attribute(index, context),
            "keyword_argument" => analysis.set_field(index, "name", context.with(Role::Skip)),
            "decorated_definition" => analysis.decorators(index),
            "import_statement" => analysis.import(index, context),
            "import_from_statement" => analysis.import_from(index, context),
            "future_import_statement" => analysis.import_future(index, context),
            "global_statement" | "nonlocal_statement" => analysis.scope_declaration(index, kind, context),
            "type" => return Context { in_type: true, role: context.role.in_type(), ..context },
            "member_type" => analysis.member_type(index, context),
            _ => {}
        }
        context.with(context.role.below(kind))
    }
}
