//! What attributes and modifiers say of an item.

use super::collect::Collector;
use super::{Attributes, Visibility};
use crate::tree::NodeIndex;

impl Collector<'_, '_> {
    /// Who may name the item.
    pub(super) fn visibility(&self, node: NodeIndex) -> Visibility {
        let tree = self.read.tree;
        let Some(modifier) = tree.child_by_kind(node, "visibility_modifier") else {
            return Visibility::Around(0);
        };
        let text: String = tree.text(modifier).chars().filter(|part| !part.is_whitespace()).collect();
        match text.as_str() {
            "pub" => Visibility::Public,
            "pub(self)" | "pub(inself)" => Visibility::Around(0),
            "pub(super)" => Visibility::Around(1),
            text => match text.strip_prefix("pub(in").and_then(|path| path.strip_suffix(')')) {
                Some(path) => within(path),
                None => Visibility::Crate,
            },
        }
    }

    /// What the attributes before an item say.
    pub(super) fn attributes(&self, node: NodeIndex) -> Attributes {
        let tree = self.read.tree;
        let mut found = Attributes::default();
        let Some(decorators) = self.decorators.get(&node) else { return found };
        for decorator in decorators {
            match decorator.name {
                Some("path") => {
                    found.has_own_path = true;
                    found.paths.extend(path_in(decorator.text));
                }
                Some("cfg_attr") if decorator.text.contains("path") => {
                    found.paths.extend(path_in(decorator.text))
                }
                Some("macro_use" | "macro_export") => found.shares_macros = true,
                Some("cfg") => found.is_conditional = true,
                Some("proc_macro" | "proc_macro_attribute") => {
                    let name = tree.child_by_field(node, "name");
                    found.is_macro = name.map(|name| self.symbol(name));
                }
                Some("proc_macro_derive") => {
                    let tokens = tree.node(decorator.node).subtree_end;
                    let mut names = (decorator.node..tokens).filter(|&node| tree.kind(node) == "identifier");
                    found.is_macro = names.nth(1).map(|name| self.symbol(name));
                }
                Some("derive") => {
                    let tokens = tree.node(decorator.node).subtree_end;
                    let names = (decorator.node..tokens).filter(|&node| tree.kind(node) == "identifier");
                    found.derives.extend(names.skip(1).map(|name| self.symbol(name)));
                }
                _ => {}
            }
        }
        found
    }
}

/// The module that a path of `pub(in path)` is: one around the item, so that the number of names says which.
fn within(path: &str) -> Visibility {
    let names = path.trim_start_matches("::").split("::");
    let above = names.clone().filter(|&name| name == "super").count() as u32;
    let below = names.filter(|name| !matches!(*name, "crate" | "self" | "super")).count() as u32;
    if path.starts_with("self") || above > 0 {
        Visibility::Around(above.saturating_sub(below))
    } else {
        Visibility::Below(below)
    }
}

/// The text of `path = "…"` in an attribute.
fn path_in(attribute: &str) -> Option<String> {
    let (_, after) = attribute.split_once("path")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
    Some(value.split('"').next()?.to_owned())
}
