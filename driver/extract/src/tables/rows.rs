//! The declaration of every extraction table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::column::{
    Column, ColumnType, FileKey, Flag, Integer, Long, LongList, OptionalInteger, OptionalLong, OptionalText,
    SortKey, Text,
};
use super::define::define_tables;

define_tables! {
    /// One row per file that could be read.
    files: Files => FileRow, FileBuilder
        [id node_id]
    {
        /// Name of the repository, with which the path begins; NULL for the only one, built without a name.
        repository: OptionalText,
        /// SHA-256 of the content, lower-case hexadecimal.
        sha256: Text,
        /// Size in bytes.
        size: Long,
        /// Name of the language, NULL when no grammar covers the file.
        language: OptionalText,
        /// Module name: dotted for Python, `crate::a::b` for Rust; NULL for other files.
        module: OptionalText,
        /// What module names are relative to: the import root (Python) or the crate (Rust).
        source_root: OptionalText,
        /// Byte offset of the start of every line; empty for files without a language.
        line_starts: LongList,
        /// Whether a program wrote the file, by its name, a remark in its first lines, or the length of its lines.
        is_generated: Flag,
        /// Identifier of the FILE node.
        node_id: Long,
    }

    /// One row per named syntax node.
    syntax_nodes: SyntaxNodes => SyntaxNodeRow, SyntaxNodeBuilder
        [id node_id]
        [order file_id ascending, bstart ascending, bend descending]
    {
        /// Identifier of the node.
        node_id: Long,
        /// Nearest named ancestor; the FILE node for the root.
        parent_id: Long,
        /// Node kind of the grammar.
        kind: Text,
        /// Field of the parent that the node fills.
        field: OptionalText,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// Line of the last byte.
        end_line: Integer,
        /// Text of an identifier, or the name of a named definition.
        name: OptionalText,
        /// Distance from the root of the syntax tree.
        depth: Integer,
    }

    /// One row per lexical scope.
    scopes: Scopes => ScopeRow, ScopeBuilder
        [id scope_id hashed as "row:scope"]
        [order file_id ascending, bstart ascending, bend descending]
    {
        /// Identifier of the scope.
        scope_id: Long,
        /// Syntax node that opens the scope.
        node_id: Long,
        /// Enclosing scope by the language's rule.
        parent_scope_id: OptionalLong,
        /// Kind of scope: module, class, function, lambda, comprehension, block, let, ...
        kind: Text,
        /// Name of the definition that opens the scope.
        name: OptionalText,
        /// First byte of the text whose lookups see this scope.
        bstart: Long,
        /// One past the last byte of that text.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// Line of the last byte.
        end_line: Integer,
        /// Number of enclosing scopes.
        depth: Integer,
        /// False when only lookups directly in this scope see its names (class scopes).
        visible_to_nested: Flag,
    }

    /// One row per occurrence that binds a name.
    defs: Defs => DefinitionRow, DefinitionBuilder
        [id def_id hashed as "row:def"]
    {
        /// Identifier of the row.
        def_id: Long,
        /// Syntax node of the definition; the identifier for plain variables, parameters and imports.
        node_id: Long,
        /// Scope in which the name is bound.
        scope_id: Long,
        /// The name.
        name: Text,
        /// Kind of definition: function, async_function, class, method, parameter, variable, import, ...
        kind: Text,
        /// Namespace of the name: value, type, macro, member (reached through its owner only) or any.
        namespace: Text,
        /// First byte of the whole definition.
        bstart: Long,
        /// One past the last byte of the whole definition.
        bend: Long,
        /// First byte of the name.
        name_bstart: Long,
        /// One past the last byte of the name.
        name_bend: Long,
        /// Line of the first byte of the name, from 1.
        line: Integer,
        /// Column of that byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// Definition whose body encloses this one.
        enclosing_def_id: OptionalLong,
        /// Whether this is the first binding of the name in the scope and namespace.
        is_declaration: Flag,
        /// Whether the name may still have this binding when its scope has been evaluated (Python; true for others).
        reaches_end: Flag,
    }

    /// One row per thing that a file defines, itself among them: what people look for. Imports are not in it.
    symbols: Symbols => SymbolRow, SymbolBuilder {
        /// Syntax node of the definition, as in `defs`; the FILE node for the file.
        node_id: Long,
        /// Node of the symbol around it. Of a member of an implementation (Rust) it is the name of the type, which refers to it.
        owner_node_id: OptionalLong,
        /// module, class, interface, enum, enum_member, function, method, field, variable, constant, parameter, type, type_parameter or macro.
        kind: Text,
        /// The name.
        name: Text,
        /// The name with those of the symbols around it, from the module on.
        qualified_name: Text,
        /// The declaration in one line, without its body, at most 512 bytes; NULL where it is no more than the name.
        signature: OptionalText,
        /// public, protected, package, restricted, private or local.
        visibility: Text,
        /// First line of the documentation.
        documentation: OptionalText,
        /// Whether the language's test runners run it.
        is_test: Flag,
        /// Number of parameters of a function or method, the receiver among them.
        parameters: OptionalInteger,
        /// Ways through a function or method beyond the first.
        branches: OptionalInteger,
        /// Most statements of control in it that are around one another.
        nesting: OptionalInteger,
        /// Line of the name, from 1.
        line: Integer,
        /// Column of the name in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// Line of the last byte of the whole definition.
        end_line: Integer,
        /// First byte of the whole definition.
        bstart: Long,
        /// One past its last byte.
        bend: Long,
    }

    /// One row per value that a definition comes by, where the syntax shows one (Python), and per trait of an implementation or trait (Rust).
    bound_values: BoundValues => BoundValueRow, BoundValueBuilder {
        /// Row of `defs` that has the value.
        def_id: Long,
        /// assigned, default, annotated, returned, base, receiver, receiver_class, property, decorated or coroutine.
        kind: Text,
        /// Row of `refs` for the name the value starts from; NULL when the syntax does not tell.
        head_ref_id: OptionalLong,
        /// The steps from that name to the value, each followed by `/`: `.name`, `()`, `[]`, `:` (an instance of) or `await`.
        steps: OptionalText,
        /// Syntax node of the class, where the value is known by it.
        class_node_id: OptionalLong,
        /// Position among the bases of a class; 0 for others.
        position: Integer,
    }

    /// One row per scope and name whose lookups continue at another scope.
    scope_redirects: ScopeRedirects => RedirectRow, RedirectBuilder {
        /// Scope in which the lookup arrives.
        scope_id: Long,
        /// The name looked up.
        name: Text,
        /// Scope that answers; when it does not declare the name, the name is not bound in the file.
        target_scope_id: Long,
        /// Why: global, nonlocal, or evaluated_elsewhere (spans alone would find the wrong scope).
        kind: Text,
    }

    /// One row per occurrence that uses a name.
    refs: Refs => ReferenceRow, ReferenceBuilder
        [id ref_id hashed as "row:ref"]
        [order file_id ascending, lookup_start ascending]
    {
        /// Identifier of the row.
        ref_id: Long,
        /// Syntax node of the name.
        node_id: Long,
        /// The name.
        name: Text,
        /// How it is used: read, write, delete, call, attribute, macro, macro_body or type.
        context: Text,
        /// Whether the use binds, changes or deletes what it names.
        is_written: Flag,
        /// Namespace looked up: value, type, macro or any.
        namespace: Text,
        /// First byte of the name.
        bstart: Long,
        /// One past the last byte of the name.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// First byte of the place from which scopes are searched.
        lookup_start: Long,
        /// One past the last byte of that place.
        lookup_end: Long,
        /// Innermost scope by the language's rule.
        scope_id: Long,
        /// Text of the object of an attribute, at most 256 bytes.
        receiver: OptionalText,
        /// Row of `refs` for the name that an attribute is reached from (Python).
        head_ref_id: OptionalLong,
        /// The steps from that name to the attribute, as in `bound_values`.
        steps: OptionalText,
        /// Syntax node of the class whose bases `super` stands for, or that `__class__` is (Python).
        class_node_id: OptionalLong,
        /// Definition whose body contains the use.
        enclosing_def_id: OptionalLong,
    }

    /// One row per binding that a name may have where it is called or looked into (Python): the last before it, or several.
    ref_bindings: RefBindings => RefBindingRow, RefBindingBuilder {
        /// Row of `refs`.
        ref_id: Long,
        /// Row of `defs`; NULL when the file does not bind the name there.
        def_id: OptionalLong,
    }

    /// One row per module that others can name (Python); of a folder without a file of its own the first file below says so.
    modules: Modules => ModuleRow, ModuleBuilder {
        /// Identifier of the module: the `file_id` of its file, or a hash of its folder's path.
        module_id: Long,
        /// Module that contains it; NULL for folders of the repository's root.
        parent_id: OptionalLong,
        /// Last name.
        name: Text,
        /// Names that a star import takes, each followed by `/`; NULL when all public ones are.
        exports: OptionalText,
    }

    /// One row per call.
    calls: Calls => CallRow, CallBuilder
        [id call_id hashed as "row:call"]
    {
        /// Identifier of the row.
        call_id: Long,
        /// Syntax node of the call.
        node_id: Long,
        /// Row of `refs` for the called name.
        callee_ref_id: OptionalLong,
        /// Last name of the callee.
        callee_name: OptionalText,
        /// Text of the callee, at most 256 bytes.
        callee_text: Text,
        /// Text of the object or path in front of the called name, at most 256 bytes.
        receiver: OptionalText,
        /// Form of the callee: name, attribute, subscript, path, macro or other.
        shape: Text,
        /// Row of `refs` for the name that a callee without a name of its own is reached from (Python).
        head_ref_id: OptionalLong,
        /// The steps from that name to the callee, as in `bound_values`.
        steps: OptionalText,
        /// Number of arguments; 0 for macros, whose tokens are not arguments.
        arg_count: Integer,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
        /// Definition whose body contains the call.
        enclosing_def_id: OptionalLong,
    }

    /// One row per argument of a call.
    call_args: CallArgs => CallArgRow, CallArgBuilder
        [id arg_id hashed as "row:call_arg"]
    {
        /// Identifier of the row.
        arg_id: Long,
        /// Syntax node of the argument.
        node_id: Long,
        /// Syntax node of the call.
        call_node_id: Long,
        /// Position among the arguments, from 0.
        arg_index: Integer,
        /// Keyword of a keyword argument.
        keyword: OptionalText,
        /// `*` or `**` for an unpacked argument.
        star: OptionalText,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
    }

    /// One row per imported name.
    imports: Imports => ImportRow, ImportBuilder
        [id import_id hashed as "row:import"]
    {
        /// Identifier of the row.
        import_id: Long,
        /// Syntax node of the imported name.
        node_id: Long,
        /// Row of `defs` for the bound name; NULL when nothing is bound here (`*`).
        def_id: OptionalLong,
        /// import, from, use, mod, extern_crate, export or require.
        kind: Text,
        /// Absolute module name, with relative levels resolved where the file's module is known.
        module: OptionalText,
        /// Module as written.
        raw_module: OptionalText,
        /// Number of leading dots (Python) or `super` segments (Rust).
        level: Integer,
        /// Name taken from the module; NULL when the module itself is imported.
        name: OptionalText,
        /// Name after `as`.
        alias: OptionalText,
        /// Whether all names of the module are imported.
        is_star: Flag,
        /// Whether only what checks types reads it (`if TYPE_CHECKING`, `import type`).
        is_type_only: Flag,
        /// Row of `modules` for the module named; NULL when the repository does not have it (Python).
        module_id: OptionalLong,
        /// Row of `modules` for what is bound: that of `a` after `import a.b`.
        bound_module_id: OptionalLong,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
        /// Line of the first byte, from 1.
        line: Integer,
        /// Column of the first byte in its line, in bytes, from 1.
        column_utf8: Integer,
        /// The same in code units of UTF-16, as editors count.
        column_utf16: Integer,
    }

    /// One row per use of a name that the rules of its language resolve over all files, and per definition found; one for a name outside.
    resolutions: Resolutions => ResolutionRow, ResolutionBuilder {
        /// Syntax node of the use: a name, a call, or an imported name.
        node_id: Long,
        /// What the use has to do with the definition: refers_to, calls, imports, inherits or instantiates.
        relation: Text,
        /// Syntax node of the definition, or the FILE node of a module; NULL when it is outside or not known.
        target_node_id: OptionalLong,
        /// Name of what is outside, or as much of it as is known.
        external_name: OptionalText,
        /// How it was found (lexical, import, star_import, path, module_member, type_member, self_method, receiver_type, module, member) or not (external, external_import, builtin, unbound, dynamic).
        method: Text,
        /// Number of definitions of which the use means one.
        candidates: Integer,
        /// Position of this one among them, from 0; 0 when all are meant.
        candidate: Integer,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
    }

    /// One row per decorator (Python) or attribute (Rust).
    decorators: Decorators => DecoratorRow, DecoratorBuilder
        [id decorator_id hashed as "row:decorator"]
    {
        /// Identifier of the row.
        decorator_id: Long,
        /// Syntax node of the decorator.
        node_id: Long,
        /// Syntax node of the definition it belongs to.
        owner_node_id: Long,
        /// Dotted name or path, without arguments.
        name: OptionalText,
        /// Text without the `@` or `#[ ]`, at most 256 bytes.
        text: Text,
        /// Position among the owner's decorators, from 0.
        index: Integer,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
    }

    /// One row per documentation text.
    docstrings: Docstrings => DocstringRow, DocstringBuilder
        [id docstring_id hashed as "row:docstring"]
    {
        /// Identifier of the row.
        docstring_id: Long,
        /// Syntax node of the string, or of the first comment of a run.
        node_id: Long,
        /// Syntax node of the documented definition; the FILE node for modules.
        owner_node_id: Long,
        /// The text, with escapes resolved and comment markers removed.
        text: Text,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
    }

    /// One row per place the parser could not make sense of.
    parse_errors: ParseErrors => ParseErrorRow, ParseErrorBuilder {
        /// Syntax node; NULL when the missing token is not a named node.
        node_id: OptionalLong,
        /// error (text was skipped) or missing (a token was supplied).
        kind: Text,
        /// What was expected or found.
        message: Text,
        /// First byte.
        bstart: Long,
        /// One past the last byte.
        bend: Long,
    }

    /// One row per file that is not in the graph, and per folder with all that is in it, whose path ends in a slash.
    extract_errors: ExtractErrors => ExtractErrorRow, ExtractErrorBuilder {
        /// Reason: file_too_large, binary, invalid_utf8, invalid_encoding, unreadable, path_not_utf8, walk, parse_failed, time_limit, index_unreadable, manifest (of a package, which is then taken to be as usual), names_entangled (modules import all names from each other; some names stay open); on purpose: ignored, excluded, link, special, version_control.
        code: Text,
        /// The reason in a sentence.
        message: Text,
    }
}
