//! What a language says about the order of evaluation.

use crate::tree::{NodeIndex, SyntaxTree};

/// What a node does to the order of evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// Its [`Control::Arm`]s are alternatives. One of them is taken for certain when `exhaustive`.
    Branch { exhaustive: bool },
    /// Part of the nearest branch.
    Arm(Arm),
    /// What follows the arms of the nearest branch, whichever was taken.
    Join,
    /// A body that runs at another time.
    Body,
    /// The way ends here.
    Exit,
    /// The way goes on at the end of the nearest repeated arm, or behind it.
    Jump,
}

/// How the arm of a branch is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arm {
    /// Instead of the others.
    Alternative,
    /// Never when the program runs; only what checks types reads it.
    TypesOnly,
    /// Any number of times.
    Repeated,
    /// First; others may follow from any place in it.
    Guarded,
    /// From any place in the guarded arm.
    Handler,
    /// From the end of the guarded arm.
    Continued,
}

/// When a binding is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// From the beginning of the node.
    Enter(NodeIndex),
    /// From the end of the node.
    Leave(NodeIndex),
}

/// What a language says about evaluation.
pub(crate) struct FlowRules {
    /// What the node does to the order.
    pub(crate) control: fn(&SyntaxTree<'_>, NodeIndex) -> Option<Control>,
    /// When the binding of the name at the node is in force.
    pub(crate) effect: fn(&SyntaxTree<'_>, NodeIndex) -> Effect,
}
