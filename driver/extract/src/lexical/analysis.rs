//! The one pass over a file that all languages share.
//!
//! Nodes are visited in pre-order, without recursion. When a node is visited, its language records what the node says
//! and decides the [`Context`] of those children for which something else holds than for the rest; a child thus knows
//! in which scope it is evaluated and which part it plays in its parent. What a language must decide is
//! [`FrontEnd::visit`]; how it says so are the methods of [`Analysis`]. The rules of a language are methods of
//! `Analysis` with its front end, in the language's folder.

use super::facts::{
    Binding, BindingIndex, Call, CallArg, Facts, Rebinding, Reference, Scope, ScopeDeclaration, ScopeIndex,
    ValuePath,
};
use super::kinds::{BindingKind, CallShape, Namespace, ScopeKind, Unpacking, UseContext};
use crate::modules::ModuleName;
use crate::tree::{NodeIndex, Span, SyntaxTree};

/// The rules by which a language finds facts in its syntax.
pub(crate) trait FrontEnd: Sized {
    /// The part a node plays in its parent, as far as the language must know it.
    type Role: Copy;
    /// The part of an expression whose value is used; the file's.
    const READ: Self::Role;
    /// The part of what is no use of a name.
    const SKIP: Self::Role;

    /// The name that is written as `text`.
    fn name(text: &str) -> &str {
        text
    }

    /// Records what the named node at `index` says, and gives contexts of their own to the children that need one.
    /// Returns the context of the other children.
    fn visit(
        analysis: &mut Analysis<'_, '_, '_, Self>,
        index: NodeIndex,
        kind: &'static str,
        context: Context<Self>,
    ) -> Context<Self>;
}

/// What a node inherits from its surroundings.
pub(crate) struct Context<F: FrontEnd> {
    /// Scope in which names are evaluated.
    pub(crate) scope: ScopeIndex,
    /// Scope in which definitions are declared that are visible before their place in the text; the same as `scope` in
    /// languages that do not tell the two apart.
    pub(crate) items: ScopeIndex,
    /// Place of lookups, when it is not the name's own place.
    pub(crate) lookup: Option<Span>,
    /// Definition whose body contains the node.
    pub(crate) enclosing: Option<BindingIndex>,
    /// Inside an annotation or another type expression, in languages whose syntax does not show it.
    pub(crate) in_type: bool,
    /// The part the node plays.
    pub(crate) role: F::Role,
}

impl<F: FrontEnd> Clone for Context<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: FrontEnd> Copy for Context<F> {}

impl<F: FrontEnd> Context<F> {
    /// The context of a file.
    const ROOT: Self =
        Self { scope: 0, items: 0, lookup: None, enclosing: None, in_type: false, role: F::READ };

    /// The same for a node that plays another part.
    pub(crate) fn with(self, role: F::Role) -> Self {
        Self { role, ..self }
    }

    /// The same in another scope, for expressions and definitions.
    pub(crate) fn inside(self, scope: ScopeIndex) -> Self {
        Self { scope, items: scope, ..self }
    }
}

/// The callee of a call.
pub(crate) struct Callee {
    /// The whole callee.
    pub(crate) node: NodeIndex,
    /// Its form.
    pub(crate) shape: CallShape,
    /// Node of the called name.
    pub(crate) name: Option<NodeIndex>,
    /// Object or path in front of the called name.
    pub(crate) receiver: Option<NodeIndex>,
    /// The way to a callee that is not a name of its own.
    pub(crate) path: Option<ValuePath>,
}

/// One argument of a call.
pub(crate) struct Argument<'s> {
    /// The whole argument.
    pub(crate) node: NodeIndex,
    /// Its keyword.
    pub(crate) keyword: Option<&'s str>,
    /// How it is unpacked.
    pub(crate) star: Option<Unpacking>,
}

/// The pass over one file.
pub(crate) struct Analysis<'t, 's, 'f, F: FrontEnd> {
    /// The file's syntax.
    pub(crate) tree: &'t SyntaxTree<'s>,
    /// The module the file defines.
    pub(crate) module: Option<&'f ModuleName>,
    /// What was found so far.
    pub(crate) facts: Facts<'s>,
    /// Contexts of the nodes that were given one.
    contexts: Vec<Option<Context<F>>>,
}

/// The facts in `tree`, a file that defines `module`, before scopes of bindings are settled.
pub(crate) fn analyse<'s, F: FrontEnd>(tree: &SyntaxTree<'s>, module: Option<&ModuleName>) -> Facts<'s> {
    let mut analysis = Analysis::<F>::new(tree, module);
    for (index, node) in tree.nodes.iter().enumerate().filter(|(_, node)| node.named) {
        if tree.deadline.is_over_at(index) {
            break;
        }
        let context = analysis.context(index);
        let rest = F::visit(&mut analysis, index, node.kind, context);
        analysis.pass_down(index, rest);
    }
    analysis.facts
}

impl<'t, 's, 'f, F: FrontEnd> Analysis<'t, 's, 'f, F> {
    fn new(tree: &'t SyntaxTree<'s>, module: Option<&'f ModuleName>) -> Self {
        let whole = Span { start: 0, end: tree.text.len() as u32 };
        let mut analysis =
            Self { tree, module, facts: Facts::default(), contexts: vec![None; tree.nodes.len()] };
        analysis.open_scope(Scope { parent: None, ..Scope::inside(0, ScopeKind::Module, 0, whole) });
        analysis
    }

    /// The context of a node whose parent was visited.
    pub(crate) fn context(&self, index: NodeIndex) -> Context<F> {
        self.contexts.get(index).copied().flatten().unwrap_or(Context::ROOT)
    }

    /// Decides the context of a node that has not been visited.
    pub(crate) fn set_context(&mut self, index: NodeIndex, context: Context<F>) {
        if let Some(slot) = self.contexts.get_mut(index) {
            *slot = Some(context);
        }
    }

    /// Decides the context of the first child in `field`.
    pub(crate) fn set_field(&mut self, index: NodeIndex, field: &str, context: Context<F>) {
        if let Some(child) = self.tree.child_by_field(index, field) {
            self.set_context(child, context);
        }
    }

    /// Decides that the node is no use of a name.
    pub(crate) fn skip(&mut self, index: NodeIndex, context: Context<F>) {
        self.set_context(index, context.with(F::SKIP));
    }

    /// Gives the context to every child that has none yet.
    fn pass_down(&mut self, index: NodeIndex, context: Context<F>) {
        for child in self.tree.children(index) {
            if let Some(slot @ None) = self.contexts.get_mut(child) {
                *slot = Some(context);
            }
        }
    }

    /// The name that the node at `index` is.
    pub(crate) fn name(&self, index: NodeIndex) -> &'s str {
        F::name(self.tree.name(index))
    }

    /// Adds a scope.
    pub(crate) fn open_scope(&mut self, scope: Scope<'s>) -> ScopeIndex {
        self.facts.scopes.push(scope);
        self.facts.scopes.len() - 1
    }

    /// Kind of a scope that was opened.
    pub(crate) fn scope_kind(&self, scope: ScopeIndex) -> ScopeKind {
        self.facts.scopes.get(scope).map_or(ScopeKind::Module, |scope| scope.kind)
    }

    /// Adds a binding of the text of `name` in `scope`, by the definition `node`.
    pub(crate) fn bind(
        &mut self,
        node: NodeIndex,
        name: NodeIndex,
        scope: ScopeIndex,
        kind: (BindingKind, Namespace),
        enclosing: Option<BindingIndex>,
    ) -> BindingIndex {
        self.bind_as(node, (name, self.name(name)), scope, kind, enclosing)
    }

    /// Adds a binding of a name that need not be the text of its node (`Self` in Rust).
    pub(crate) fn bind_as(
        &mut self,
        node: NodeIndex,
        (name_node, text): (NodeIndex, &'s str),
        scope: ScopeIndex,
        (kind, namespace): (BindingKind, Namespace),
        enclosing: Option<BindingIndex>,
    ) -> BindingIndex {
        let name = self.facts.names.intern(text);
        self.facts.bindings.push(Binding {
            node,
            scope,
            name,
            kind,
            namespace,
            span: self.tree.span(node),
            name_node,
            name_span: self.tree.span(name_node),
            enclosing,
            text,
            reaches_end: true,
            rebinding: Rebinding::Replaces,
        });
        self.facts.bindings.len() - 1
    }

    /// Adds a use of the name at `index`.
    pub(crate) fn refer(
        &mut self,
        index: NodeIndex,
        used: UseContext,
        namespace: Namespace,
        context: Context<F>,
        receiver: Option<&'s str>,
    ) {
        self.refer_within(index, (self.name(index), self.tree.span(index)), used, namespace, context);
        if let Some(reference) = self.facts.references.last_mut() {
            reference.receiver = receiver;
        }
    }

    /// Adds a use of a name that stands at a place in the text of a node.
    pub(crate) fn refer_within(
        &mut self,
        node: NodeIndex,
        (text, span): (&'s str, Span),
        used: UseContext,
        namespace: Namespace,
        context: Context<F>,
    ) {
        let name = self.facts.names.intern(text);
        self.facts.references.push(Reference {
            node,
            name,
            text,
            context: used,
            is_written: matches!(used, UseContext::Write | UseContext::Delete),
            namespace,
            span,
            lookup: context.lookup.unwrap_or(span),
            scope: context.scope,
            receiver: None,
            path: None,
            class: None,
            enclosing: context.enclosing,
        });
    }

    /// Adds a use of the name at `index` that is looked up in the object or path before it, and in no scope.
    pub(crate) fn refer_in(
        &mut self,
        receiver: Option<NodeIndex>,
        index: NodeIndex,
        namespace: Namespace,
        context: Context<F>,
    ) {
        self.skip(index, context);
        let receiver = receiver.map(|receiver| self.tree.text(receiver));
        self.refer(index, UseContext::Attribute, namespace, context, receiver);
    }

    /// Says of the use added last that it is the target of an assignment or deletion.
    pub(crate) fn is_target(&mut self) {
        if let Some(reference) = self.facts.references.last_mut() {
            reference.is_written = true;
        }
    }

    /// Adds the declaration that the name at `index` belongs to another scope.
    pub(crate) fn declare_elsewhere(&mut self, index: NodeIndex, global: bool, context: Context<F>) {
        self.skip(index, context);
        let name = self.facts.names.intern(self.tree.name(index));
        self.facts.declarations.push(ScopeDeclaration { scope: context.scope, name, global });
    }

    /// Adds a call with its arguments.
    pub(crate) fn add_call(
        &mut self,
        node: NodeIndex,
        callee: &Callee,
        arguments: impl Iterator<Item = Argument<'s>>,
        context: Context<F>,
    ) {
        let mut arg_count = 0;
        for Argument { node: argument, keyword, star } in arguments {
            self.facts.call_args.push(CallArg {
                node: argument,
                call: node,
                index: arg_count,
                keyword,
                star,
            });
            arg_count += 1;
        }
        self.facts.calls.push(Call {
            node,
            name: callee.name.map(|name| self.name(name)),
            callee_name: callee.name,
            callee: callee.node,
            receiver: callee.receiver.map(|receiver| self.tree.text(receiver)),
            shape: callee.shape,
            path: callee.path.clone(),
            arg_count,
            enclosing: context.enclosing,
        });
    }
}
