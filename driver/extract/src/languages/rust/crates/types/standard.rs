//! What methods and functions of the standard library give, as far as it tells the types of a repository: values in
//! options, pointers and collections, and what is gone through.

use super::super::names::Def;
use super::super::outline::Symbol;
use super::generics::named;
use super::{ARRAY, Members, SLICE, TUPLE, Ty};

/// Types, their methods, and what these give: `Self`, an argument of the type by its position, what the closure that is given
/// returns (`f`), what a method's argument is (`x`), or a type of these.
const METHODS: &[(&str, &str, &str)] = &[
    (
        "Option",
        "as_ref as_mut as_deref as_deref_mut take cloned copied filter or or_else clone replace as_pin_mut",
        "Self",
    ),
    (
        "Option",
        "unwrap expect unwrap_or unwrap_or_else unwrap_or_default unwrap_unchecked get_or_insert_with get_or_insert insert",
        "0",
    ),
    ("Option", "map", "Option<f>"),
    ("Option", "and_then", "f"),
    ("Option", "map_or map_or_else", "x"),
    ("Option", "ok_or ok_or_else", "Result<0>"),
    ("Option", "iter iter_mut into_iter", "Iterator<0>"),
    ("Result", "as_ref as_mut as_deref map_err or_else clone cloned copied inspect_err", "Self"),
    ("Result", "unwrap expect unwrap_or unwrap_or_else unwrap_or_default", "0"),
    ("Result", "unwrap_err expect_err", "1"),
    ("Result", "ok", "Option<0>"),
    ("Result", "err", "Option<1>"),
    ("Result", "map", "Result<f,1>"),
    ("Result", "and_then", "f"),
    (
        "Vec VecDeque [] [;] LinkedList BTreeSet HashSet BinaryHeap SmallVec",
        "iter iter_mut into_iter drain",
        "Iterator<0>",
    ),
    (
        "Vec VecDeque [] [;] LinkedList BTreeSet HashSet BinaryHeap SmallVec",
        "first last first_mut last_mut get get_mut pop pop_front pop_back front back front_mut back_mut peek take",
        "Option<0>",
    ),
    ("Vec VecDeque", "remove swap_remove", "0"),
    (
        "Vec [] [;] VecDeque String",
        "as_slice as_mut_slice as_ref as_mut clone to_vec to_owned into_boxed_slice",
        "Self",
    ),
    ("Vec [] [;]", "chunks windows chunks_exact split", "Iterator<Self>"),
    ("HashMap BTreeMap IndexMap", "get get_mut remove insert", "Option<1>"),
    ("HashMap BTreeMap IndexMap", "iter iter_mut into_iter drain", "Iterator<(0,1)>"),
    ("HashMap BTreeMap IndexMap", "keys into_keys", "Iterator<0>"),
    ("HashMap BTreeMap IndexMap", "values values_mut into_values", "Iterator<1>"),
    (
        "HashMap BTreeMap IndexMap",
        "first_key_value last_key_value pop_first pop_last get_key_value",
        "Option<(0,1)>",
    ),
    ("HashMap BTreeMap IndexMap", "entry", "Entry<1>"),
    ("Entry", "or_insert or_insert_with or_default", "0"),
    ("Entry", "and_modify", "Self"),
    (
        "Iterator",
        "filter skip take take_while skip_while rev chain by_ref peekable fuse inspect step_by cloned copied cycle into_iter iter",
        "Self",
    ),
    (
        "Iterator",
        "next last nth find min max min_by max_by min_by_key max_by_key reduce next_back peek rfind",
        "Option<0>",
    ),
    ("Iterator", "enumerate", "Iterator<(usize,0)>"),
    ("Iterator", "map", "Iterator<f>"),
    ("Iterator", "filter_map flat_map", "Iterator<f:0>"),
    ("Iterator", "find_map", "f"),
    ("Iterator", "fold", "x"),
    ("RefCell", "borrow borrow_mut into_inner get_mut", "0"),
    ("Cell", "get take replace into_inner", "0"),
    ("Mutex", "lock try_lock into_inner get_mut", "Result<0>"),
    ("RwLock", "read write try_read try_write into_inner get_mut", "Result<0>"),
    ("OnceCell OnceLock", "get get_mut into_inner take", "Option<0>"),
    ("OnceCell OnceLock", "get_or_init", "0"),
    (
        "Box Rc Arc Pin Cow ManuallyDrop",
        "as_ref as_mut deref deref_mut into_inner get_mut get_ref into_owned to_mut",
        "0",
    ),
    ("Box Rc Arc Pin", "clone", "Self"),
    ("str String", "to_string to_owned to_lowercase to_uppercase", "String"),
    ("str String", "as_str trim", "str"),
    ("String str", "clone", "Self"),
    ("JoinHandle", "join", "Result<0>"),
];

/// Methods that give closures what a type holds: which argument of the type the closure's parameter is.
const CLOSURES: &[(&str, &str, &str)] = &[
    (
        "Option",
        "map and_then is_some_and is_none_or filter inspect map_or map_or_else take_if unwrap_or_else",
        "0",
    ),
    ("Result", "map and_then is_ok_and inspect map_or", "0"),
    ("Result", "map_err or_else is_err_and inspect_err unwrap_or_else", "1"),
    (
        "Iterator",
        "map filter for_each any all find position filter_map flat_map find_map take_while skip_while inspect max_by_key min_by_key partition map_while try_for_each max_by min_by is_sorted_by_key",
        "0",
    ),
    (
        "Vec [] [;] VecDeque HashSet BTreeSet",
        "retain retain_mut sort_by sort_by_key sort_unstable_by sort_unstable_by_key dedup_by_key binary_search_by binary_search_by_key partition_point sort_by_cached_key",
        "0",
    ),
    ("HashMap BTreeMap IndexMap", "retain", "0 1"),
    ("Iterator", "fold try_fold", "x 0"),
    ("Entry", "and_modify", "0"),
];

/// Functions of the standard library that make a value of a type, with what it holds when that is the argument.
const HOLDERS: &[&str] = &[
    "Box",
    "Rc",
    "Arc",
    "Cell",
    "RefCell",
    "Mutex",
    "RwLock",
    "Pin",
    "ManuallyDrop",
    "Cow",
    "Reverse",
    "Wrapping",
];

impl Members<'_> {
    /// The name and arguments of a type of the standard library.
    fn standard<'t>(&self, ty: &'t Ty) -> Option<(String, &'t [Ty])> {
        match ty {
            Ty::Named(Def::Outside(path), arguments) => {
                let text = self.names.symbols.text(*path);
                let known = match text.rsplit_once("::") {
                    None => text,
                    Some((_, last @ ("IndexMap" | "HashMap" | "HashSet" | "SmallVec"))) => last.to_owned(),
                    Some(_) => return None,
                };
                Some((known, arguments))
            }
            Ty::Unknown | Ty::Named(..) | Ty::Traits(_) | Ty::Parameter(..) => None,
        }
    }

    /// What a method of the standard library gives, called with arguments of these types.
    pub(super) fn standard_method(
        &self,
        ty: &Ty,
        method: Symbol,
        arguments: &[Ty],
        closure: Option<&Ty>,
    ) -> Ty {
        let text = self.names.symbols.text(method);
        let Some((name, own)) = self.standard(ty) else { return Ty::Unknown };
        let row = METHODS.iter().find(|(types, methods, _)| has(types, &name) && has(methods, &text));
        let Some((_, _, gives)) = row else { return Ty::Unknown };
        let given = Given { members: self, ty, own, argument: arguments.first(), closure };
        given.read(gives)
    }

    /// Whether a type of the standard library has this method itself.
    pub(super) fn is_standard_method(&self, ty: &Ty, method: Symbol) -> bool {
        let Some((name, _)) = self.standard(ty) else { return false };
        let text = self.names.symbols.text(method);
        name != "Iterator"
            && METHODS.iter().any(|(types, methods, _)| has(types, &name) && has(methods, &text))
    }

    /// What a method of the standard library gives a parameter of its closure.
    pub(super) fn standard_argument(&self, ty: &Ty, method: Symbol, position: usize) -> Ty {
        let text = self.names.symbols.text(method);
        let Some((name, own)) = self.standard(ty) else { return Ty::Unknown };
        let row = CLOSURES.iter().find(|(types, methods, _)| has(types, &name) && has(methods, &text));
        let given = Given { members: self, ty, own, argument: None, closure: None };
        let by_position = row.and_then(|(_, _, gives)| match gives.split_once(' ') {
            None if text.ends_with("_by") => Some(*gives),
            None => (position == 0).then_some(*gives),
            Some((first, second)) => [first, second].get(position).copied(),
        });
        by_position.map_or(Ty::Unknown, |gives| given.read(gives))
    }

    /// What is gone through when a value is: one of these.
    pub(super) fn element(&self, ty: &Ty) -> Ty {
        let Some((name, own)) = self.standard(ty) else { return Ty::Unknown };
        match name.as_str() {
            "Vec" | "VecDeque" | SLICE | ARRAY | "LinkedList" | "BTreeSet" | "HashSet" | "BinaryHeap"
            | "Option" | "Iterator" | "SmallVec" => own.first().cloned().unwrap_or_default(),
            "HashMap" | "BTreeMap" | "IndexMap" => named(self, TUPLE, own.iter().take(2).cloned().collect()),
            _ => Ty::Unknown,
        }
    }

    /// What a function of the standard library gives.
    pub(super) fn standard_function(&self, path: Symbol, arguments: &[Ty]) -> Ty {
        let text = self.names.symbols.text(path);
        let mut names = text.rsplit("::");
        let (last, owner) = (names.next().unwrap_or_default(), names.next());
        let argument = || arguments.first().cloned().unwrap_or_default();
        let is_standard = names.last().is_none_or(|root| matches!(root, "std" | "core" | "alloc"));
        match (owner, last) {
            _ if !is_standard => Ty::Unknown,
            (None, "Some") => named(self, "Option", vec![argument()]),
            (None, "Ok") => named(self, "Result", vec![argument()]),
            (None, "Err") => named(self, "Result", vec![Ty::Unknown, argument()]),
            (Some("mem"), "take" | "replace") => argument(),
            (Some("Rc" | "Arc"), "clone") => argument(),
            (Some("Arc" | "Rc" | "Box" | "Vec" | "String"), "from") | (Some(_), "new" | "pin") => {
                let owner = owner.unwrap_or_default();
                let owner = if last == "pin" { "Pin" } else { owner };
                let held = if HOLDERS.contains(&owner) { vec![argument()] } else { Vec::new() };
                named(self, owner, held)
            }
            (
                Some("Vec" | "String" | "VecDeque" | "HashMap" | "BTreeMap" | "HashSet"),
                "with_capacity" | "default",
            ) => named(self, owner.unwrap_or_default(), Vec::new()),
            _ => Ty::Unknown,
        }
    }
}

/// What is known where the result of a method is read.
struct Given<'g> {
    members: &'g Members<'g>,
    ty: &'g Ty,
    own: &'g [Ty],
    argument: Option<&'g Ty>,
    closure: Option<&'g Ty>,
}

impl Given<'_> {
    fn read(&self, gives: &str) -> Ty {
        match gives {
            "Self" => self.ty.clone(),
            "f" => self.closure.cloned().unwrap_or_default(),
            // What the value that the closure returns holds.
            "f:0" => self.closure.map(|closure| self.members.element(closure)).unwrap_or_default(),
            "x" => self.argument.cloned().unwrap_or_default(),
            _ => match (gives.parse::<usize>(), gives.split_once(['<', '('])) {
                (Ok(position), _) => self.own.get(position).cloned().unwrap_or_default(),
                (_, Some((name, rest))) => {
                    let rest = rest.strip_suffix(['>', ')']).unwrap_or(rest);
                    let parts = if rest.starts_with('(') { vec![rest] } else { rest.split(',').collect() };
                    let parts = parts.into_iter().map(|part| self.read(part)).collect();
                    named(self.members, if name.is_empty() { TUPLE } else { name }, parts)
                }
                _ => named(self.members, gives, Vec::new()),
            },
        }
    }
}

/// Whether one of the words of a text is this one.
fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|each| each == word)
}
