//! Views that are written twice, with one text and two names.

use std::collections::BTreeSet;

use super::Maker;
use crate::evaluate;
use crate::plan::{Expr, Op, View};

impl Maker {
    /// Copies a view and those that it is made of. Both give the same rows; of the texts of chance in them, and of
    /// identifiers, which are made of the name of a view, each has its own.
    ///
    /// Gives the names of the view and of its copy.
    pub(super) fn add_twin(&mut self) -> Option<[String; 2]> {
        let complete: Vec<&View> = self.views.iter().filter(|view| !view.is_open()).collect();
        let is_above_chance = |view: &&&View| self.below(&view.name).iter().any(is_of_chance);
        let above_chance: Vec<&View> = complete.iter().filter(is_above_chance).copied().collect();
        let candidates =
            if above_chance.is_empty() || self.choice.one_in(4) { &complete } else { &above_chance };
        let top = (*self.choice.maybe_of(candidates)?).clone();
        let mut copies: Vec<(String, String)> = Vec::new();
        for view in self.below(&top.name).into_iter().chain([top.clone()]) {
            let copy = format!("v{}", self.views.len());
            let mut op = view.op;
            copies.iter().for_each(|(of, copy)| op.read_instead(of, copy));
            let twin = View { name: copy.clone(), op, columns: view.columns };
            let made = evaluate::one(&twin, &self.known).ok()?;
            self.known.insert(copy.clone(), made);
            self.views.push(twin);
            copies.push((view.name, copy));
        }
        let (name, copy) = copies.pop()?;
        Some([name, copy])
    }

    /// The views that a view is made of, in their order.
    fn below(&self, name: &str) -> Vec<View> {
        let mut open = vec![name];
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            let view = self.views.iter().find(|view| view.name == name);
            for source in view.iter().flat_map(|view| view.op.sources()) {
                if found.insert(source) {
                    open.push(source);
                }
            }
        }
        self.views.iter().filter(|view| found.contains(view.name.as_str())).cloned().collect()
    }
}

fn is_of_chance(view: &View) -> bool {
    match &view.op {
        Op::Project { columns, .. } => columns.iter().any(|(_, expr)| matches!(expr, Expr::Fresh(_))),
        _ => false,
    }
}
