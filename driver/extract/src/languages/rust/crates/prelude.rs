//! Names that every module knows without importing them: the language's types, the standard library's prelude and macros.

use super::outline::Space;

const TYPES: &[&str] = &[
    "bool",
    "char",
    "str",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "f32",
    "f64",
    "Option",
    "Result",
    "Vec",
    "String",
    "Box",
    "Send",
    "Sync",
    "Sized",
    "Copy",
    "Clone",
    "Drop",
    "Fn",
    "FnMut",
    "FnOnce",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Unpin",
    "ToOwned",
    "ToString",
    "AsRef",
    "AsMut",
    "Into",
    "From",
    "TryFrom",
    "TryInto",
    "Default",
    "Iterator",
    "IntoIterator",
    "Extend",
    "DoubleEndedIterator",
    "ExactSizeIterator",
    "FromIterator",
    "Eq",
    "PartialEq",
    "Ord",
    "PartialOrd",
    "Debug",
    "Hash",
    "Future",
    "IntoFuture",
    "test",
];

/// Crates that need no manifest.
pub(super) const CRATES: &[&str] = &["std", "core", "alloc", "proc_macro"];

const VALUES: &[&str] =
    &["Some", "None", "Ok", "Err", "drop", "size_of", "size_of_val", "align_of", "align_of_val"];
const MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "compile_error",
    "concat",
    "dbg",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "thread_local",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "try",
    "global_asm",
    "asm",
    "concat_idents",
    "macro_rules",
];

/// Whether such a name is known everywhere.
pub(super) fn has(name: &str, space: Space) -> bool {
    match space {
        Space::Type => TYPES.contains(&name) || CRATES.contains(&name),
        Space::Value => VALUES.contains(&name),
        Space::Macro => MACROS.contains(&name),
    }
}

/// The trait whose derivation gives a type the method `name`.
pub(super) fn derived_trait(name: &str) -> Option<&'static str> {
    Some(match name {
        "default" => "Default",
        "clone" | "clone_from" => "Clone",
        "eq" | "ne" => "PartialEq",
        "partial_cmp" | "lt" | "le" | "gt" | "ge" => "PartialOrd",
        "cmp" | "max" | "min" | "clamp" => "Ord",
        "hash" => "Hash",
        "fmt" => "Debug",
        _ => return None,
    })
}

/// Whether a type of this name gives access to the one it holds, for every method it has not itself.
pub(super) fn is_pointer(name: &str) -> bool {
    matches!(
        name,
        "Box" | "Rc" | "Arc" | "Ref" | "RefMut" | "MutexGuard" | "RwLockReadGuard" | "RwLockWriteGuard"
    )
}

/// Whether such a pointer has the method itself.
pub(super) fn is_of_pointer(method: &str) -> bool {
    matches!(method, "clone" | "as_ref" | "as_mut" | "deref" | "deref_mut" | "fmt")
}

/// Whether a trait of this name says nothing about which type has it.
pub(super) fn is_marker(name: &str) -> bool {
    matches!(name, "Send" | "Sync" | "Sized" | "Unpin" | "Copy" | "UnwindSafe" | "RefUnwindSafe")
}
