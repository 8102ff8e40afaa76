//! Import statements: what they bind and which module they name.

use super::super::rules::{Analysis, Context, Role};
use super::names::absolute;
use crate::lexical::{BindingIndex, BindingKind, Import, ImportKind, Namespace};
use crate::tree::NodeIndex;

impl<'s> Analysis<'_, 's, '_> {
    /// `import a.b, c as d`: binds `a`, or the alias.
    pub(in crate::languages::python) fn import(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        for item in tree.named_children(index) {
            let (dotted, alias) = self.imported_item(item, context);
            let Some(dotted) = dotted else { continue };
            let first = tree.named_children(dotted).next();
            let binding = alias.or(first).map(|name| self.bind_import(name, context));
            self.facts.imports.push(Import {
                node: item,
                binding,
                kind: ImportKind::Import,
                module: Some(compact(tree.text(dotted))),
                raw_module: Some(tree.text(dotted).to_owned()),
                level: 0,
                name: None,
                alias: alias.map(|alias| tree.name(alias)),
                is_star: false,
                target: None,
                bound: None,
            });
        }
    }

    /// `from m import a, b as c` and `from m import *`.
    pub(in crate::languages::python) fn import_from(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        let Some(module_node) = tree.child_by_field(index, "module_name") else { return };
        self.skip(module_node, context);
        let raw = tree.text(module_node);
        let written = compact(raw);
        let relative = written.trim_start_matches('.');
        let level = written.len() - relative.len();
        let module =
            if level == 0 { Some(relative.to_owned()) } else { absolute(self.module, level, relative) };
        for item in tree.named_children(index).filter(|&item| item != module_node) {
            if tree.kind(item) == "wildcard_import" {
                self.push_from(item, None, (module.clone(), raw, level as i32), None, None);
                continue;
            }
            self.bind_item(item, context, (module.clone(), raw, level as i32));
        }
    }

    /// `from __future__ import feature`: binds the feature's name like any import.
    pub(in crate::languages::python) fn import_future(&mut self, index: NodeIndex, context: Context) {
        let tree = self.tree;
        for item in tree.named_children(index) {
            self.bind_item(item, context, (Some("__future__".to_owned()), "__future__", 0));
        }
    }

    fn bind_item(&mut self, item: NodeIndex, context: Context, module: (Option<String>, &'s str, i32)) {
        let tree = self.tree;
        let (dotted, alias) = self.imported_item(item, context);
        let Some(dotted) = dotted else { return };
        let Some(name) = tree.named_children(dotted).next() else { return };
        let bound = alias.unwrap_or(name);
        let binding = self.bind_import(bound, context);
        self.push_from(
            item,
            Some(binding),
            module,
            Some(tree.shown_name(name)),
            alias.map(|alias| tree.name(alias)),
        );
    }

    fn bind_import(&mut self, name: NodeIndex, context: Context) -> BindingIndex {
        let kind = (BindingKind::Import, Namespace::Value);
        self.bind(name, name, context.scope, kind, context.enclosing)
    }

    fn push_from(
        &mut self,
        node: NodeIndex,
        binding: Option<BindingIndex>,
        (module, raw_module, level): (Option<String>, &'s str, i32),
        name: Option<&'s str>,
        alias: Option<&'s str>,
    ) {
        self.facts.imports.push(Import {
            node,
            binding,
            kind: ImportKind::From,
            module,
            raw_module: Some(raw_module.to_owned()),
            level,
            name,
            alias,
            is_star: name.is_none(),
            target: None,
            bound: None,
        });
    }

    /// The dotted name and the alias of one item; marks their identifiers as no uses of names.
    fn imported_item(&mut self, item: NodeIndex, context: Context) -> (Option<NodeIndex>, Option<NodeIndex>) {
        let tree = self.tree;
        let skip = context.with(Role::Skip);
        self.set_context(item, skip);
        match tree.kind(item) {
            "dotted_name" => (Some(item), None),
            "aliased_import" => {
                self.set_field(item, "name", skip);
                self.set_field(item, "alias", skip);
                (tree.child_by_field(item, "name"), tree.child_by_field(item, "alias"))
            }
            _ => (None, None),
        }
    }
}

/// A dotted name without the blanks that may stand around its dots.
fn compact(text: &str) -> String {
    text.split_whitespace().collect()
}
