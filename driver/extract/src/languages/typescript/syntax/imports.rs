//! Imports and exports of modules.

use super::names::unquoted;
use super::{Analysis, Context, Role};
use crate::lexical::{BindingIndex, BindingKind, Import, ImportKind, Namespace};
use crate::tree::{NodeIndex, SyntaxTree};

/// The name of a module as it is written in a string.
pub(in super::super) fn specifier<'s>(tree: &SyntaxTree<'s>, string: NodeIndex) -> Option<&'s str> {
    (tree.kind(string) == "string").then(|| unquoted(tree.text(string)))
}

impl<'s> Analysis<'_, 's, '_> {
    /// Imports and exports. Returns the context of the children that get none of their own; none for other nodes.
    pub(super) fn import_form(&mut self, index: NodeIndex, kind: &str, context: Context) -> Option<Context> {
        match kind {
            "import_statement" => self.import(index, context),
            "import_alias" => self.import_alias(index, context),
            "export_statement" => self.export(index, context),
            _ => return None,
        }
        Some(context.with(Role::Read))
    }

    fn bind_import(&mut self, name: NodeIndex, context: Context) -> BindingIndex {
        self.skip(name, context);
        self.bind(name, name, context.scope, (BindingKind::Import, Namespace::Any), context.enclosing)
    }

    fn push(
        &mut self,
        node: NodeIndex,
        binding: Option<BindingIndex>,
        kind: ImportKind,
        module: &'s str,
        (name, alias): (Option<&'s str>, Option<&'s str>),
    ) {
        self.facts.imports.push(Import {
            node,
            binding,
            kind,
            module: Some(module.to_owned()),
            raw_module: Some(module.to_owned()),
            level: 0,
            name,
            alias,
            is_star: false,
            target: None,
            bound: None,
        });
    }

    fn import(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let required = tree.child_by_kind(index, "import_require_clause");
        let source = tree.child_by_field(required.unwrap_or(index), "source");
        let Some(module) = source.and_then(|source| specifier(tree, source)) else { return };
        if let Some(clause) = required {
            let Some(name) = tree.child_by_kind(clause, "identifier") else { return };
            let binding = self.bind_import(name, context);
            self.push(name, Some(binding), ImportKind::Import, module, (None, None));
            return;
        }
        let Some(clause) = tree.child_by_kind(index, "import_clause") else {
            return self.push(index, None, ImportKind::Import, module, (None, None));
        };
        for part in tree.named_children(clause) {
            match tree.kind(part) {
                "identifier" => {
                    let binding = self.bind_import(part, context);
                    self.push(part, Some(binding), ImportKind::From, module, (Some("default"), None));
                }
                "namespace_import" => {
                    let Some(name) = tree.child_by_kind(part, "identifier") else { continue };
                    let binding = self.bind_import(name, context);
                    self.push(name, Some(binding), ImportKind::Import, module, (None, None));
                }
                "named_imports" => {
                    for item in tree.named_children(part) {
                        self.import_item(item, module, context);
                    }
                }
                _ => {}
            }
        }
    }

    fn import_item(&mut self, item: NodeIndex, module: &'s str, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(item, "name").filter(|_| tree.kind(item) == "import_specifier")
        else {
            return;
        };
        let alias = tree.child_by_field(item, "alias");
        self.skip(name, context);
        let binding = self.bind_import(alias.unwrap_or(name), context);
        let written = unquoted(tree.text(name));
        let names = (Some(written), alias.map(|alias| tree.text(alias)));
        self.push(item, Some(binding), ImportKind::From, module, names);
    }

    /// `import name = Namespace.member`: another name for it.
    fn import_alias(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let mut parts = tree.named_children(index).filter(|&part| tree.kind(part) != "comment");
        let (Some(name), target) = (parts.next(), parts.next()) else { return };
        self.skip(name, context);
        self.bind(index, name, context.scope, (BindingKind::TypeAlias, Namespace::Any), context.enclosing);
        if let Some(target) = target {
            self.set_context(target, context.with(Role::Either));
        }
    }

    fn export(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let source = tree.child_by_field(index, "source");
        let module = source.and_then(|source| specifier(tree, source));
        for part in tree.named_children(index) {
            match tree.kind(part) {
                "export_clause" => {
                    for item in tree.named_children(part) {
                        self.export_item(item, module, context);
                    }
                }
                "namespace_export" => {
                    let name = tree.named_children(part).next();
                    let alias = name.map(|name| unquoted(tree.text(name)));
                    if let (Some(name), Some(module)) = (name, module) {
                        self.skip(name, context);
                        self.push(part, None, ImportKind::Export, module, (None, alias));
                    }
                }
                // `export as namespace Name`: a global name for the module.
                "identifier" if tree.child_by_kind(index, "namespace").is_some() => self.skip(part, context),
                _ => {}
            }
        }
        let is_star = tree.child_by_kind(index, "*").is_some();
        if let (Some(module), true) = (module, is_star) {
            self.push(index, None, ImportKind::Export, module, (None, None));
            if let Some(import) = self.facts.imports.last_mut() {
                import.is_star = true;
            }
        }
    }

    fn export_item(&mut self, item: NodeIndex, module: Option<&'s str>, context: Context) {
        let tree = self.tree;
        let Some(name) = tree.child_by_field(item, "name").filter(|_| tree.kind(item) == "export_specifier")
        else {
            return;
        };
        let alias = tree.child_by_field(item, "alias");
        if let Some(alias) = alias {
            self.skip(alias, context);
        }
        match module {
            Some(module) => {
                self.skip(name, context);
                let alias = alias.map(|alias| unquoted(tree.text(alias)));
                let names = (Some(unquoted(tree.text(name))), alias);
                self.push(item, None, ImportKind::Export, module, names);
            }
            None => self.set_context(name, context.with(Role::Either)),
        }
    }
}
