//! The language-independent facts about one file, and what is done with them.
//!
//! The front end of a language ([`FrontEnd`]) fills [`Facts`] in one pass over the syntax tree ([`analyse`]); [`settle`]
//! decides in which scope each name is bound and makes sure that spans alone give every reference the scope the
//! language's rule gives it; [`flow`] finds which of its bindings a name has where it is used; [`Emitter`] writes the rows.

mod analysis;
mod emit;
mod facts;
mod flow;
mod kinds;
mod names;
mod resolve;

pub(crate) use analysis::{Analysis, Argument, Callee, Context, FrontEnd, analyse};
pub(crate) use emit::{Emitter, declarations};
pub(crate) use facts::{
    Barrier, Binding, BindingIndex, BoundValue, Call, Decorator, Docstring, Facts, Import, Rebinding,
    Receiver, Reference, Scope, ScopeIndex, ValuePath,
};
pub(crate) use flow::{Arm, Control, Effect, FlowRules, flow};
pub(crate) use kinds::{
    BindingKind, CallShape, ImportKind, Namespace, ScopeKind, Unpacking, UseContext, ValueKind,
};
pub(crate) use resolve::{Nest, settle};
