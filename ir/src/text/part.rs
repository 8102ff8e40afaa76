//! What a node is part of, in the text form.
//!
//! Most nodes are named so that a reader sees it: a view's result like the view, the steps of a view `view.step`, the
//! sink of an output `@table`, its other steps `@table.step`, the check of an assertion `view@assertion` or
//! `@table@assertion`, its steps `view@assertion.step`. Of a node with such a name the text form says nothing
//! more; of any other it says `of view NAME`, `of output NAME` or `of assertion NAME`, with `step` behind it for what is not
//! the result.
//! This shorthand is a matter of the text form alone: outside of it nothing looks into a name.

use crate::graph::{Node, Owner, Role};
use crate::lexer::word;

/// What a node of this name is part of when its statement does not say.
pub(super) fn default_part(name: &str) -> (Owner, Role) {
    let (output, bare) = match name.strip_prefix('@') {
        Some(bare) => (true, bare),
        None => (false, name),
    };
    if let Some((subject, _)) = bare.split_once('@') {
        let start = name.len() - bare.len() + subject.len();
        let dot = name.get(start..).and_then(|rest| rest.find('.'));
        let (owner, role) = match dot.and_then(|dot| name.get(..start + dot)) {
            Some(owner) => (owner, Role::Step),
            None => (name, Role::Result),
        };
        return (Owner::Assertion(owner.to_owned()), role);
    }
    let (owner, role) = match bare.split_once('.') {
        Some((owner, _)) => (owner, Role::Step),
        None => (bare, Role::Result),
    };
    let owner = owner.to_owned();
    (if output { Owner::Output(owner) } else { Owner::View(owner) }, role)
}

/// The clause that says what a node is part of, where its name does not.
pub(super) fn clause(node: &Node) -> Option<String> {
    if default_part(&node.name) == (node.owner.clone(), node.role) {
        return None;
    }
    let kind = match &node.owner {
        Owner::View(_) => "view",
        Owner::Output(_) => "output",
        Owner::Assertion(_) => "assertion",
    };
    let step = match node.role {
        Role::Result => "",
        Role::Step => " step",
    };
    Some(format!("of {kind} {}{step}", word(node.owner.name())))
}
