//! From text to a [`Spec`], reporting everything that is wrong with it at once.
//!
//! 1. Size and encoding.
//! 2. Text to a tree of values with their bytes ([`json`], [`yaml`]).
//! 3. The version.
//! 4. The tree against the schema ([`shape`]): unknown and missing fields, wrong types, unknown words.
//! 5. Decoding into the types; what is not sound and not needed is left out of it ([`unread`]).
//! 6. Names, features that do not exist yet, and comments that YAML makes longer ([`comments`]).

mod comments;
mod json;
mod parameters;
mod shape;
mod tree;
mod unread;
mod yaml;

use crate::diag::{Diagnostic, Findings, Segment, SourceMap, SourceName, SpecPath, codes};
use crate::stage::Stage;

use super::{SCHEMA, SPEC_VERSION, Spec, names, unsupported};
pub use parameters::{LoadedParameters, load_parameters};
use tree::{Node, Value};
pub use unread::Unread;

/// The largest text that is read, in bytes.
pub const MAX_SPEC_BYTES: usize = 4 << 20;

/// What became of a text.
#[derive(Debug)]
pub struct Loaded {
    /// The spec, if the text has the shape of one. It may be there although there are errors (an unknown
    /// field is left out, a bad name is kept), so that later checks can find more; it must not be run then.
    pub spec: Option<Spec>,
    /// What of it could not be read, and has entries in it that mean nothing.
    pub unread: Unread,
    /// The text and the place of every value in it, for messages.
    pub source: SourceMap,
    /// Everything found.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether anything found forbids running the spec.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.spec.is_none() || self.diagnostics.iter().any(Diagnostic::is_error)
    }

    fn refused(source: SourceMap, finding: Diagnostic) -> Self {
        Self { spec: None, unread: Unread::default(), source, diagnostics: vec![finding] }
    }
}

/// Reads a spec from bytes that should be UTF-8.
#[must_use]
pub fn load_bytes(bytes: &[u8], origin: SourceName) -> Loaded {
    if let Some(refused) = too_large("the spec", bytes.len()) {
        return Loaded::refused(SourceMap::new(origin, ""), refused);
    }
    match text_of(bytes) {
        Ok(text) => load(text, origin),
        Err((readable, finding)) => Loaded::refused(SourceMap::new(origin, readable), *finding),
    }
}

/// Bytes that should be UTF-8; where they are not, what of them is, and the finding.
fn text_of(bytes: &[u8]) -> Result<&str, (&str, Box<Diagnostic>)> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        let readable = bytes.get(..good).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("");
        let finding = Diagnostic::new(codes::SPEC_NOT_UTF8, format!("byte {good} is not UTF-8"))
            .at_bytes(good..good)
            .help("save the file as UTF-8");
        (readable, Box::new(finding))
    })
}

/// Reads a spec from YAML or JSON.
///
/// A text that starts with `{` and then `"` or `}` is read as JSON, everything else as YAML (in which a map
/// may start with `{` too, but rarely with a quoted key).
#[must_use]
pub fn load(text: &str, origin: SourceName) -> Loaded {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(refused) = too_large("the spec", text.len()) {
        return Loaded::refused(SourceMap::new(origin, ""), refused);
    }
    let mut source = SourceMap::new(origin, text);
    let mut findings = Findings::default();
    let decoded = match read_tree(text, &mut findings) {
        Ok(Some(tree)) => {
            source.set_root(tree.place());
            let decoded = decode(&tree, &mut findings);
            if let Some((spec, _)) = &decoded {
                comments::check(spec, &source, &mut findings);
            }
            decoded
        }
        Ok(None) => {
            findings.push(not_a_spec("the text is empty"));
            None
        }
        Err(error) => {
            findings.push(*error);
            None
        }
    };
    let (spec, unread) = decoded.unzip();
    let diagnostics = findings.into_list().into_iter().map(|found| found.in_stage(Stage::Load)).collect();
    Loaded { spec, unread: unread.unwrap_or_default(), source, diagnostics }
}

/// The finding for a document, called `what`, that has too many bytes.
fn too_large(what: &str, bytes: usize) -> Option<Diagnostic> {
    (bytes > MAX_SPEC_BYTES).then(|| {
        Diagnostic::new(codes::SPEC_TOO_LARGE, format!("{what} has more than {MAX_SPEC_BYTES} bytes"))
            .help("put data into a Delta table and read it as an input")
    })
}

fn not_a_spec(message: &str) -> Diagnostic {
    Diagnostic::new(codes::NOT_A_MAP, message)
        .at(SpecPath::root())
        .help("a spec is a map with `version`, `input_relations`, `view_definitions` and `output_targets`")
}

fn read_tree(text: &str, findings: &mut Findings) -> Result<Option<Node>, Box<Diagnostic>> {
    if let Some(at) = text.find('\0') {
        // The reader of YAML takes it for the end of the text.
        let finding = Diagnostic::new(codes::SYNTAX, "a NUL character is not allowed").at_bytes(at..at + 1);
        return Err(Box::new(finding.help("remove it")));
    }
    let after_brace = text.trim_start().strip_prefix('{').map(str::trim_start);
    if after_brace.is_some_and(|rest| rest.starts_with(['"', '}'])) {
        json::read(text, findings).map(Some)
    } else {
        yaml::read(text, findings)
    }
}

/// Makes a spec of a tree, if it has the shape of one, with what of it could not be read.
fn decode(tree: &Node, findings: &mut Findings) -> Option<(Spec, Unread)> {
    if tree.fields().is_none() {
        findings.push(not_a_spec("the document is not a map"));
        return None;
    }
    if !is_current(tree, findings) {
        return None;
    }
    let checked = shape::check(tree, &SCHEMA, findings);
    if !checked.is_sound {
        return None;
    }
    match serde_path_to_error::deserialize::<_, Spec>(&checked.json) {
        Ok(spec) => {
            names::check(&spec, findings);
            let unsupported = unsupported::check(&spec).into_iter();
            let doubtful = unsupported::profile(&spec).into_iter().chain(unsupported::reserved(&spec));
            unsupported.chain(doubtful).for_each(|finding| findings.push(finding));
            Some((spec, checked.unread))
        }
        Err(error) => {
            let path = spec_path(error.path());
            findings.push(Diagnostic::new(codes::WRONG_SHAPE, error.into_inner().to_string()).at(path));
            None
        }
    }
}

/// Checks the version before anything else: fields of another version mean something else.
fn is_current(tree: &Node, findings: &mut Findings) -> bool {
    let path = SpecPath::root().field("version");
    let help = match tree.get("version").map(|node| &node.value) {
        Some(Value::Integer(version)) if *version == i64::from(SPEC_VERSION) => {
            if let Some(field) =
                tree.fields().into_iter().flatten().find(|field| field.key == "parameter_templates")
            {
                findings.push(
                    Diagnostic::new(
                        codes::PARAMETER_TEMPLATES,
                        "`parameter_templates` is no longer part of the format",
                    )
                    .at(SpecPath::root().field("parameter_templates"))
                    .at_bytes(field.key_bytes.clone())
                    .help("use `typed_parameters`, and `$1`, `$2`, ... in expressions"),
                );
                return false;
            }
            return true;
        }
        Some(Value::Integer(version)) if *version < i64::from(SPEC_VERSION) => {
            "rename `parameter_templates` to `typed_parameters`, replace join keys named bstart/bend by `span`, settle \
             name clashes of `Relate` by `select` or `suffix`, then write `version: 4`"
        }
        Some(Value::Integer(_)) => {
            "this spec was written for a newer program; use that, or write a version 4 spec"
        }
        // A missing version, or one that is not a number, is a matter of shape.
        _ => return true,
    };
    let message = format!("this program reads version {SPEC_VERSION} of the format only");
    findings.push(Diagnostic::new(codes::UNSUPPORTED_VERSION, message).at(path).help(help));
    false
}

/// The path as the decoder tells it.
fn spec_path(path: &serde_path_to_error::Path) -> SpecPath {
    use serde_path_to_error::Segment as Step;
    let segment = |step: &Step| match step {
        Step::Seq { index } => Some(Segment::Index(*index)),
        Step::Map { key } => Some(Segment::Field(key.clone())),
        Step::Enum { .. } | Step::Unknown => None,
    };
    SpecPath::from(path.iter().filter_map(segment).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
