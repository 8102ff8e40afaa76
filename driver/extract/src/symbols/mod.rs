//! What people look for in code: its modules, classes, functions, fields, variables and so on, each with what other tools
//! say about them in the words of one vocabulary for all languages.

mod complexity;
mod signature;

use std::collections::{HashMap, HashSet};

use crate::lexical::{
    Binding, BindingIndex, BindingKind, Emitter, Facts, Namespace, ScopeIndex, ScopeKind, ValueKind,
};
use crate::tables::{SymbolRow, TableBuilders};
use crate::tree::{NodeIndex, SyntaxTree};
pub(crate) use complexity::Branching;

/// Longest qualified name, in bytes. What is nested deeper shares the name of what is around it, so that a file's names take
/// no space by the square of its nesting.
const MAX_QUALIFIED_NAME: usize = 512;

/// Who may use a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Everyone.
    Public,
    /// The members of subclasses, or by convention the package.
    Protected,
    /// The package (`pub(crate)`), or the module of a language whose modules say what they export.
    Package,
    /// A part of the package that the declaration names (`pub(in path)`).
    Restricted,
    /// What it is declared in.
    Private,
    /// The body it is declared in, while that runs.
    Local,
}

impl Visibility {
    /// The word used in the tables.
    fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Protected => "protected",
            Self::Package => "package",
            Self::Restricted => "restricted",
            Self::Private => "private",
            Self::Local => "local",
        }
    }
}

/// What a language says about its symbols.
pub(crate) struct SymbolRules {
    /// Stands between the parts of a qualified name.
    pub(crate) separator: &'static str,
    /// Stands in a qualified name behind a function in whose body the rest is declared.
    pub(crate) locals: Option<&'static str>,
    /// The node whose text declares what the node of a binding names: a parameter with its type.
    pub(crate) declaration: fn(&SyntaxTree<'_>, NodeIndex) -> NodeIndex,
    /// Who may use a symbol that is not local.
    pub(crate) visibility: fn(&Subject<'_, '_>) -> Visibility,
    /// Whether the language's test runners run a function.
    pub(crate) is_test: fn(&Subject<'_, '_>) -> bool,
    /// Whether only what checks types reads the import at a node.
    pub(crate) is_type_only: fn(&SyntaxTree<'_>, NodeIndex) -> bool,
    /// What a node adds to the complexity of the function around it.
    pub(crate) branching: fn(&SyntaxTree<'_>, NodeIndex) -> Branching,
}

/// A binding that a language is asked about.
pub(crate) struct Subject<'e, 's> {
    /// Path of the file, with `/`.
    pub(crate) path: &'e str,
    /// Its syntax.
    pub(crate) tree: &'e SyntaxTree<'s>,
    /// Its facts.
    pub(crate) facts: &'e Facts<'s>,
    /// The binding.
    pub(crate) binding: &'e Binding<'s>,
    /// The names of its decorators or attributes.
    pub(crate) decorators: &'e [&'s str],
}

/// Writes the symbols of a file whose scopes are settled.
pub(crate) fn symbol_rows(
    emitter: &Emitter<'_, '_>,
    rules: &SymbolRules,
    module_name: Option<&str>,
    name_of: fn(&SyntaxTree<'_>, NodeIndex) -> Option<NodeIndex>,
    out: &mut TableBuilders,
) {
    let module_name = module_name.unwrap_or(emitter.file.path);
    let writer = Writer {
        emitter,
        rules,
        prefixes: prefixes(emitter.facts, rules, module_name),
        holders: holders(emitter.facts),
        documentation: documentation(emitter.facts),
        decorators: decorators(emitter.facts),
        complexities: complexity::of_functions(emitter.tree, emitter.facts, rules.branching),
        class_variables: class_variables(emitter.facts),
        variables: first_variables(emitter.facts),
        declared: emitter.facts.bindings.iter().map(|binding| binding.node).collect(),
        name_of,
    };
    writer.module(module_name, out);
    let mut seen = HashSet::new();
    for (index, binding) in emitter.facts.bindings.iter().enumerate() {
        if let Some(kind) = writer.kind(index, binding)
            && seen.insert(binding.node)
        {
            writer.binding(binding, kind, out);
        }
    }
}

struct Writer<'w, 'e, 's> {
    emitter: &'w Emitter<'e, 's>,
    rules: &'w SymbolRules,
    /// What stands in front of the names that a scope holds.
    prefixes: Vec<String>,
    /// The scope of the symbol that is around a scope, or is opened by it.
    holders: Vec<ScopeIndex>,
    /// First lines of documentation, by the node that is documented; none for the file.
    documentation: HashMap<Option<NodeIndex>, &'w str>,
    decorators: HashMap<NodeIndex, Vec<&'s str>>,
    complexities: HashMap<NodeIndex, complexity::Complexity>,
    /// The variables and properties that classes declare.
    class_variables: HashSet<(ScopeIndex, &'s str)>,
    /// The bindings that declare variables.
    variables: HashSet<BindingIndex>,
    /// The nodes of all bindings.
    declared: HashSet<NodeIndex>,
    name_of: fn(&SyntaxTree<'_>, NodeIndex) -> Option<NodeIndex>,
}

impl<'s> Writer<'_, '_, 's> {
    /// The symbol that the file is.
    fn module(&self, qualified_name: &str, out: &mut TableBuilders) {
        let Emitter { file, tree, positions, .. } = self.emitter;
        let is_separator = |at: char| self.rules.separator.contains(at) || at == '/';
        let end = u32::try_from(tree.text.len()).unwrap_or(u32::MAX);
        out.symbols(SymbolRow {
            node_id: self.emitter.file_node_id,
            owner_node_id: None,
            kind: "module",
            name: qualified_name.rsplit(is_separator).next().unwrap_or(qualified_name),
            qualified_name,
            signature: None,
            visibility: Visibility::Public.as_str(),
            documentation: self.documentation.get(&None).copied(),
            is_test: false,
            parameters: None,
            branches: None,
            nesting: None,
            line: 1,
            column_utf8: 1,
            column_utf16: 1,
            end_line: positions.last_line(0, end),
            bstart: 0,
            bend: i64::from(end),
            file,
        });
    }

    fn binding(&self, binding: &Binding<'s>, kind: &'static str, out: &mut TableBuilders) {
        let Emitter { file, tree, facts, positions, .. } = self.emitter;
        let decorators = self.decorators.get(&binding.node).map_or(&[][..], Vec::as_slice);
        let subject = Subject { path: file.path, tree, facts, binding, decorators };
        let holder = self.holders.get(binding.scope).copied().unwrap_or_default();
        let kind_of = |scope: ScopeIndex| facts.scopes.get(scope).map(|scope| scope.kind);
        // What is bound in a block or comprehension is gone with it, wherever that stands.
        let is_local = kind_of(holder) == Some(ScopeKind::Function)
            || kind_of(binding.scope)
                .is_some_and(|kind| !is_of_symbol(kind) && kind != ScopeKind::TypeParameters);
        let visibility = if is_local || binding.kind == BindingKind::TypeParameter {
            Visibility::Local
        } else {
            (self.rules.visibility)(&subject)
        };
        let is_function = matches!(kind, "function" | "method");
        let complexity = self.complexities.get(&binding.node).filter(|_| is_function);
        let name = tree.shown_name(binding.name_node);
        let place = positions.at(binding.name_span.start);
        out.symbols(SymbolRow {
            node_id: self.emitter.node_id(binding.node),
            owner_node_id: Some(self.owner(holder)),
            kind,
            name,
            qualified_name: &self.qualified(binding.scope, name),
            signature: signature::of(tree, (self.rules.declaration)(tree, binding.node)).as_deref(),
            visibility: visibility.as_str(),
            documentation: self.documentation.get(&Some(binding.node)).copied(),
            is_test: is_function && (self.rules.is_test)(&subject),
            parameters: is_function.then(|| signature::parameters(tree, binding.node)),
            branches: complexity.map(|it| it.branches),
            nesting: complexity.map(|it| it.nesting),
            line: place.line,
            column_utf8: place.column_utf8,
            column_utf16: place.column_utf16,
            end_line: positions.last_line(binding.span.start, binding.span.end),
            bstart: i64::from(binding.span.start),
            bend: i64::from(binding.span.end),
            file,
        });
    }

    /// The kind of symbol that a binding is; none for those that name what is declared elsewhere, or name it once more.
    fn kind(&self, index: usize, binding: &Binding<'s>) -> Option<&'static str> {
        let holder = self.holders.get(binding.scope).and_then(|&at| self.emitter.facts.scopes.get(at));
        let holder = holder.map(|scope| scope.kind);
        let tree = self.emitter.tree;
        Some(match binding.kind {
            BindingKind::Import | BindingKind::SelfType => return None,
            BindingKind::Function | BindingKind::AsyncFunction => "function",
            BindingKind::Method => "method",
            BindingKind::Class | BindingKind::Struct | BindingKind::Union => "class",
            BindingKind::Enum => "enum",
            BindingKind::Trait | BindingKind::Interface => "interface",
            BindingKind::Variant => "enum_member",
            BindingKind::TypeAlias => "type",
            BindingKind::TypeParameter => "type_parameter",
            // One without a body is another file.
            BindingKind::Module => tree.child_by_field(binding.node, "body").map(|_| "module")?,
            BindingKind::Macro => "macro",
            BindingKind::Const | BindingKind::Static => "constant",
            BindingKind::Field | BindingKind::Parameter | BindingKind::Variable
                if !self.variables.contains(&index) =>
            {
                return None;
            }
            // A field that the class declares as well is that one.
            BindingKind::Field if self.class_variables.contains(&(binding.scope, binding.text)) => {
                return None;
            }
            BindingKind::Field => "field",
            BindingKind::Parameter => "parameter",
            BindingKind::Variable if holder == Some(ScopeKind::Class) => "field",
            BindingKind::Variable if holder == Some(ScopeKind::Module) && is_constant_name(binding.text) => {
                "constant"
            }
            BindingKind::Variable => "variable",
        })
    }

    /// The node of the symbol whose scope this is. Of an implementation it is the name of the type, which refers to it.
    fn owner(&self, holder: ScopeIndex) -> i64 {
        let Some(scope) = self.emitter.facts.scopes.get(holder).filter(|scope| scope.parent.is_some()) else {
            return self.emitter.file_node_id;
        };
        // The scopes of some items are opened by their bodies.
        let tree = self.emitter.tree;
        let item =
            if self.declared.contains(&scope.node) { Some(scope.node) } else { tree.parent(scope.node) };
        let item = item.unwrap_or(scope.node);
        let named = (scope.kind == ScopeKind::Impl).then(|| (self.name_of)(tree, item));
        self.emitter.node_id(named.flatten().unwrap_or(item))
    }

    fn qualified(&self, scope: ScopeIndex, name: &str) -> String {
        let prefix = self.prefixes.get(scope).map_or("", String::as_str);
        format!("{prefix}{name}")
    }
}

/// Whether a name is written as constants are, by PEP 8 and the conventions of other languages.
fn is_constant_name(name: &str) -> bool {
    name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase)
}

/// Whether a scope belongs to a symbol; others are part of the one around them.
fn is_of_symbol(kind: ScopeKind) -> bool {
    match kind {
        ScopeKind::Module
        | ScopeKind::Class
        | ScopeKind::Function
        | ScopeKind::Struct
        | ScopeKind::Enum
        | ScopeKind::Trait
        | ScopeKind::Interface
        | ScopeKind::Impl => true,
        ScopeKind::Lambda
        | ScopeKind::Comprehension
        | ScopeKind::TypeParameters
        | ScopeKind::Block
        | ScopeKind::Let
        | ScopeKind::Closure
        | ScopeKind::For
        | ScopeKind::MatchArm
        | ScopeKind::IfLet
        | ScopeKind::Object
        | ScopeKind::Catch => false,
    }
}

/// For each scope the one of a symbol that it is or lies in. Scopes come behind those around them.
fn holders(facts: &Facts<'_>) -> Vec<ScopeIndex> {
    let mut holders: Vec<ScopeIndex> = Vec::with_capacity(facts.scopes.len());
    for (index, scope) in facts.scopes.iter().enumerate() {
        let around = scope.parent.and_then(|parent| holders.get(parent).copied());
        holders.push(around.filter(|_| !is_of_symbol(scope.kind)).unwrap_or(index));
    }
    holders
}

/// For each scope what stands in front of the names that it holds.
fn prefixes(facts: &Facts<'_>, rules: &SymbolRules, module: &str) -> Vec<String> {
    let mut prefixes: Vec<String> = Vec::with_capacity(facts.scopes.len());
    for scope in &facts.scopes {
        let Some(parent) = scope.parent else {
            prefixes.push(format!("{module}{}", rules.separator));
            continue;
        };
        let around = prefixes.get(parent).map_or("", String::as_str);
        let named = scope.name.filter(|_| is_of_symbol(scope.kind));
        prefixes.push(match named {
            Some(name) if around.len() + name.len() <= MAX_QUALIFIED_NAME => {
                let locals = rules.locals.filter(|_| scope.kind == ScopeKind::Function);
                let body = locals.map(|word| format!("{word}{}", rules.separator)).unwrap_or_default();
                format!("{around}{name}{}{body}", rules.separator)
            }
            _ => around.to_owned(),
        });
    }
    prefixes
}

fn class_variables<'s>(facts: &Facts<'s>) -> HashSet<(ScopeIndex, &'s str)> {
    let properties: HashSet<NodeIndex> = facts
        .values
        .iter()
        .filter(|value| value.kind == ValueKind::Property)
        .map(|value| value.name_node)
        .collect();
    let declares = |binding: &&Binding<'s>| {
        binding.kind == BindingKind::Variable || properties.contains(&binding.name_node)
    };
    facts.bindings.iter().filter(declares).map(|binding| (binding.scope, binding.text)).collect()
}

/// The first binding of each variable, parameter and field.
fn first_variables(facts: &Facts<'_>) -> HashSet<BindingIndex> {
    let mut first: HashMap<(ScopeIndex, &str, Namespace), (u32, BindingIndex)> = HashMap::new();
    for (index, binding) in facts.bindings.iter().enumerate() {
        if !matches!(binding.kind, BindingKind::Field | BindingKind::Parameter | BindingKind::Variable) {
            continue;
        }
        let candidate = (binding.name_span.start, index);
        first
            .entry((binding.scope, binding.text, binding.namespace))
            .and_modify(|known| *known = (*known).min(candidate))
            .or_insert(candidate);
    }
    first.into_values().map(|(_, index)| index).collect()
}

/// The first line of each documentation that says something.
fn documentation<'f>(facts: &'f Facts<'_>) -> HashMap<Option<NodeIndex>, &'f str> {
    let mut first = HashMap::new();
    for docstring in &facts.docstrings {
        if let Some(line) = docstring.text.lines().map(str::trim).find(|line| !line.is_empty()) {
            first.entry(docstring.owner).or_insert(line);
        }
    }
    first
}

fn decorators<'s>(facts: &Facts<'s>) -> HashMap<NodeIndex, Vec<&'s str>> {
    let mut names: HashMap<NodeIndex, Vec<&'s str>> = HashMap::new();
    for decorator in &facts.decorators {
        names.entry(decorator.owner).or_default().extend(decorator.name);
    }
    names
}
