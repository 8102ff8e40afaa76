//! The kinds of scopes, definitions, uses, imports and calls: one enum each, its spelling in the tables, and what the
//! language-independent rules ask about it.
//!
//! A language that has a kind no other has adds a variant here; the compiler then asks for its properties.

/// Declares an enum whose variants are words of the tables, each with its spelling.
macro_rules! words {
    ($(
        $(#[$attribute:meta])*
        enum $name:ident { $( $(#[$variant_attribute:meta])* $variant:ident = $word:literal, )* }
    )*) => { $(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum $name {
            $( $(#[$variant_attribute])* $variant, )*
        }

        impl $name {
            /// The word used in the tables.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }
    )* };
}

words! {
    /// Kind of a scope, as in the `scopes` table.
    enum ScopeKind {
        /// A file, or a module inside one.
        Module = "module",
        /// The body of a class.
        Class = "class",
        /// The body of a function.
        Function = "function",
        /// The body of a lambda expression.
        Lambda = "lambda",
        /// A comprehension or generator expression.
        Comprehension = "comprehension",
        /// What sees the type parameters of a definition.
        TypeParameters = "type_parameters",
        /// The fields of a structure or union.
        Struct = "struct",
        /// The variants of an enumeration.
        Enum = "enum",
        /// The items of a trait.
        Trait = "trait",
        /// The items of an implementation.
        Impl = "impl",
        /// A block of statements.
        Block = "block",
        /// What follows a `let` in its block.
        Let = "let",
        /// The body of a closure.
        Closure = "closure",
        /// The body of a `for` loop.
        For = "for",
        /// An arm of a `match`.
        MatchArm = "match_arm",
        /// What sees the bindings of a `let` in a condition.
        IfLet = "if_let",
        /// The members of an interface, or of a type that is written out.
        Interface = "interface",
        /// The members of an object that is written out.
        Object = "object",
        /// What sees what a `catch` binds.
        Catch = "catch",
    }

    /// Kind of a definition, as in the `defs` table.
    enum BindingKind {
        /// A function.
        Function = "function",
        /// A function that is a coroutine.
        AsyncFunction = "async_function",
        /// A function that belongs to a type.
        Method = "method",
        /// A class.
        Class = "class",
        /// A structure.
        Struct = "struct",
        /// A union.
        Union = "union",
        /// An enumeration.
        Enum = "enum",
        /// A variant of an enumeration.
        Variant = "variant",
        /// A field of a structure or variant.
        Field = "field",
        /// A trait.
        Trait = "trait",
        /// An interface.
        Interface = "interface",
        /// A name for another type.
        TypeAlias = "type_alias",
        /// The type that an implementation or trait is about.
        SelfType = "self_type",
        /// A parameter that stands for a type.
        TypeParameter = "type_parameter",
        /// A module inside the file, or in a file of its own.
        Module = "module",
        /// A constant.
        Const = "const",
        /// A static variable.
        Static = "static",
        /// A macro.
        Macro = "macro",
        /// A parameter of a function, or a constant one of a type.
        Parameter = "parameter",
        /// A variable.
        Variable = "variable",
        /// A name that an import binds.
        Import = "import",
    }

    /// The namespace of a name.
    enum Namespace {
        /// Values; the only one of languages that have no others.
        Value = "value",
        /// Types and modules.
        Type = "type",
        /// Macros.
        Macro = "macro",
        /// Reached through the owner only (fields, variants, associated items): no lookup finds it.
        Member = "member",
        /// Imports, whose target decides; tokens of macros, whose expansion decides.
        Any = "any",
    }

    /// How a name is used.
    enum UseContext {
        /// Its value is read.
        Read = "read",
        /// It is assigned.
        Write = "write",
        /// It is deleted.
        Delete = "delete",
        /// It is called.
        Call = "call",
        /// It is looked up in an object or path, not in a scope.
        Attribute = "attribute",
        /// It is the name of a macro, or a token in a macro's arguments.
        Macro = "macro",
        /// It is a token in the body of a macro, which is read where the macro is called.
        MacroBody = "macro_body",
        /// It is used as a type.
        Type = "type",
    }

    /// Why a lookup continues in another scope, as in the `scope_redirects` table.
    enum RedirectKind {
        /// The name is declared to be the module's.
        Global = "global",
        /// The name is declared to be an enclosing function's.
        Nonlocal = "nonlocal",
        /// The place is not evaluated where it stands, so that spans alone would find the wrong scope.
        EvaluatedElsewhere = "evaluated_elsewhere",
    }

    /// Form of a callee, as in the `calls` table.
    enum CallShape {
        /// A name.
        Name = "name",
        /// A name behind an object.
        Attribute = "attribute",
        /// An element of something.
        Subscript = "subscript",
        /// A name behind a path.
        Path = "path",
        /// A macro.
        Macro = "macro",
        /// Any other expression.
        Other = "other",
    }

    /// How an argument is unpacked, as in the `call_args` table.
    enum Unpacking {
        /// Its elements are arguments.
        Positional = "*",
        /// Its entries are keyword arguments.
        Keyword = "**",
    }

    /// Why a name, a call or a class comes by a value, as in the `bound_values` table.
    enum ValueKind {
        /// It is assigned to the name.
        Assigned = "assigned",
        /// It is what is assigned when a call says nothing else.
        Default = "default",
        /// It is of the type that an annotation names.
        Annotated = "annotated",
        /// The function returns it.
        Returned = "returned",
        /// The class derives from it.
        Base = "base",
        /// The class is an object of it.
        Metaclass = "metaclass",
        /// It is one of the things that are in the value.
        Element = "element",
        /// It is what the value has for some key.
        Entry = "entry",
        /// The function hands it out while it runs.
        Yielded = "yielded",
        /// A call passes the object whose method the function is.
        Receiver = "receiver",
        /// A call passes the class whose method the function is.
        ReceiverClass = "receiver_class",
        /// A call passes it by its place, or together with others; no keyword names it.
        Positional = "positional",
        /// Whoever reads the attribute gets what the function returns.
        Property = "property",
        /// A decorator made it of the function.
        Decorated = "decorated",
        /// Whoever calls the function must wait for what it returns.
        Coroutine = "coroutine",
    }

    /// Form of an import, as in the `imports` table.
    enum ImportKind {
        /// `import module`.
        Import = "import",
        /// `from module import name`.
        From = "from",
        /// `use path`.
        Use = "use",
        /// `mod name;`, whose text is another file.
        Mod = "mod",
        /// `extern crate name`.
        ExternCrate = "extern_crate",
        /// `export ... from module`: what a module hands on.
        Export = "export",
        /// `require(module)` and `import(module)`: an expression whose value is the module.
        Require = "require",
    }
}

impl ScopeKind {
    /// Whether names looked up directly in such a scope also see the scope around it where that is hidden from nested
    /// scopes: the annotation scopes of Python inside a class (Python reference, 4.2.2.1).
    pub(crate) fn sees_hidden_parent(self) -> bool {
        match self {
            Self::TypeParameters => true,
            Self::Module
            | Self::Class
            | Self::Function
            | Self::Lambda
            | Self::Comprehension
            | Self::Struct
            | Self::Enum
            | Self::Trait
            | Self::Impl
            | Self::Block
            | Self::Let
            | Self::Closure
            | Self::For
            | Self::MatchArm
            | Self::IfLet
            | Self::Interface
            | Self::Object
            | Self::Catch => false,
        }
    }
}

impl BindingKind {
    /// Whether the name lives only while a body runs: [`super::Barrier::Locals`] hides it.
    pub(crate) fn is_local(self) -> bool {
        match self {
            Self::Variable | Self::Parameter | Self::TypeParameter => true,
            Self::Function
            | Self::AsyncFunction
            | Self::Method
            | Self::Class
            | Self::Struct
            | Self::Union
            | Self::Enum
            | Self::Variant
            | Self::Field
            | Self::Trait
            | Self::Interface
            | Self::TypeAlias
            | Self::SelfType
            | Self::Module
            | Self::Const
            | Self::Static
            | Self::Macro
            | Self::Import => false,
        }
    }
}

impl Namespace {
    /// Whether a lookup in this namespace finds a name bound in `bound`.
    pub(crate) fn finds(self, bound: Self) -> bool {
        bound != Self::Member && (self == bound || self == Self::Any || bound == Self::Any)
    }
}

impl UseContext {
    /// Whether the name is looked up in scopes, rather than in what stands in front of it.
    pub(crate) fn is_lexical(self) -> bool {
        match self {
            Self::Attribute => false,
            Self::Read
            | Self::Write
            | Self::Delete
            | Self::Call
            | Self::Macro
            | Self::MacroBody
            | Self::Type => true,
        }
    }
}
