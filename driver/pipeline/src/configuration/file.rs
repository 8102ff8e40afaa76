//! The file: where it is, whether it can be trusted, and what it says.
//!
//! It is a list of settings and nothing else; there is nothing in it to be computed. What is found wrong is shown with its
//! place, and with the keys of its line. Values are never shown, since one of them may be a secret in the wrong place.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ir::diag::{Code, Diagnostic, SourceMap, SourceName, codes, nearest_name};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{CONFIG, CONFIG_HOME, Environment, HOME};
use super::settings::{Kind, SETTINGS, Setting, Value};
use super::stores;
use crate::folders::absolute;
use crate::{PipelineError, Result};

/// What the file is called in the user's folder for configuration.
pub const FILE_NAME: &str = "codeanatomy.toml";
/// The folder in the user's folder for configuration.
const FOLDER: &str = "codeanatomy";
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;
/// The sections besides settings.
const ROOTS: &str = "roots";
const STORES: &str = "stores";

/// The file to read: the one that is named, by the command line or by the environment, or that of the user, if there is one.
pub(super) fn find(named: Option<&Path>, environment: &Environment) -> Result<Option<PathBuf>> {
    if let Some(named) = named.or_else(|| environment.get(CONFIG).map(Path::new)) {
        return absolute(named).map(Some);
    }
    let home = environment.get(CONFIG_HOME).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = home.or_else(|| {
        let home = environment.get(HOME).map(PathBuf::from).filter(|folder| folder.is_absolute());
        home.map(|folder| folder.join(".config"))
    });
    let file = home.map(|folder| folder.join(FOLDER).join(FILE_NAME));
    // One that is there and cannot be read is an error, and not no file.
    Ok(file.filter(|file| std::fs::symlink_metadata(file).is_ok()))
}

/// What the file says.
///
/// # Errors
/// Everything that is wrong with it: E0607, E0901 to E0906.
pub(super) fn read(path: &Path) -> Result<Vec<(&'static Setting, Value)>> {
    let name = path.display().to_string();
    let text = trusted_text(path).map_err(|(code, reason)| {
        PipelineError::finding(code, format!("the configuration is not read: {reason}"), &name)
    })?;
    let document = DeTable::parse(&text).map_err(|error| {
        let map = SourceMap::new(SourceName::new(name.as_str()), text.as_str());
        let place = map.location(error.span().unwrap_or(0..0));
        let message = format!("line {}, column {}: {}", place.line, place.column, error.message());
        PipelineError::finding(codes::CONFIGURATION_SYNTAX, message, &name)
    })?;
    let folder = path.parent().unwrap_or(path);
    let mut reader = Reader { folder, values: Vec::new(), findings: Vec::new(), keys: Vec::new() };
    reader.document(document.get_ref());
    if reader.findings.is_empty() {
        return Ok(reader.values);
    }
    let mut diagnostics = reader.findings;
    diagnostics.sort_by_key(|found| found.bytes.as_ref().map(|bytes| bytes.start));
    let map = SourceMap::new(SourceName::new(name), without_values(&text, &reader.keys));
    Err(PipelineError::Findings { diagnostics, map: Box::new(map) })
}

/// The text of a regular file that not everybody may write.
fn trusted_text(path: &Path) -> Result<String, (Code, String)> {
    let unreadable = |reason: String| (codes::CONFIGURATION_UNREADABLE, reason);
    let failed = |error: std::io::Error| unreadable(error.to_string());
    // Before it is opened: opening a pipe waits for somebody who writes to it.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable("it is no regular file".to_owned()));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(unreadable("it is no regular file".to_owned()));
    }
    if anybody_may_write(&metadata) {
        let reason = "every user of this machine may write it; say `chmod o-w` after a look at it";
        return Err((codes::CONFIGURATION_NOT_TRUSTED, reason.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unreadable(format!("it has more than {MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        unreadable(format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
    })
}

#[cfg(unix)]
fn anybody_may_write(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o002 != 0
}

#[cfg(not(unix))]
fn anybody_may_write(_: &std::fs::Metadata) -> bool {
    false
}

/// Reads a document.
struct Reader<'a> {
    /// What relative folders count from.
    folder: &'a Path,
    values: Vec<(&'static Setting, Value)>,
    findings: Vec<Diagnostic>,
    /// Where keys are.
    keys: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            self.keys.push(key.span());
            match key.get_ref().as_ref() {
                ROOTS => match value.get_ref().as_table() {
                    Some(roots) => self.roots(roots),
                    None => self.refuse(ROOTS, "it is a table with `read` and `write`", value.span()),
                },
                STORES => {
                    self.keys_of_stores(value.get_ref());
                    self.findings.extend(stores::findings(value));
                }
                name => match SETTINGS.iter().find(|setting| setting.name == name) {
                    Some(setting) => self.value(setting, value),
                    None => self.unknown(name, "", key.span()),
                },
            }
        }
    }

    fn roots(&mut self, roots: &DeTable<'_>) {
        for (key, value) in roots {
            self.keys.push(key.span());
            let name = format!("{ROOTS}.{}", key.get_ref());
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
                self.unknown(key.get_ref(), "roots.", key.span());
                continue;
            };
            match value.get_ref().as_array() {
                Some(folders) => folders.iter().for_each(|folder| self.value(setting, folder)),
                None => self.refuse(setting.name, "it is a list of folders", value.span()),
            }
        }
    }

    /// Of stores the names of options are shown; those of stores are URLs, and there may be more in them.
    fn keys_of_stores(&mut self, section: &DeValue<'_>) {
        let stores = section.as_table().into_iter().flat_map(|stores| stores.values());
        let options = stores.filter_map(|store| store.get_ref().as_table());
        self.keys.extend(options.flat_map(|options| options.keys().map(Spanned::span)));
    }

    fn value(&mut self, setting: &'static Setting, value: &Spanned<DeValue<'_>>) {
        match parse(setting.kind, value.get_ref(), self.folder) {
            Ok(parsed) => self.values.push((setting, parsed)),
            Err(reason) => self.refuse(setting.name, &reason, value.span()),
        }
    }

    fn refuse(&mut self, name: &str, reason: &str, place: Range<usize>) {
        let message = format!("`{name}` cannot be used: {reason}");
        let found = Diagnostic::new(codes::CONFIGURATION_VALUE, message).about("key", name);
        self.findings.push(found.at_bytes(place));
    }

    /// A key that is not there, in the section whose keys begin with `section`.
    fn unknown(&mut self, name: &str, section: &str, place: Range<usize>) {
        let known = SETTINGS.iter().filter_map(|setting| setting.name.strip_prefix(section));
        let mut known: Vec<&str> = known.filter(|known| !known.contains('.')).collect();
        if section.is_empty() {
            known.extend([ROOTS, STORES]);
        }
        let nearest = nearest_name(name, known.iter().copied()).map(str::to_owned);
        let message = format!("the configuration has no key `{section}{name}`");
        let found = Diagnostic::new(codes::CONFIGURATION_KEY, message).about("key", name).at_bytes(place);
        let found = match &nearest {
            Some(nearest) => found.help(format!("did you mean `{section}{nearest}`?")),
            None => found.help("`driver config` lists all keys"),
        };
        self.findings.push(found.allowed(known));
    }
}

fn parse(kind: Kind, value: &DeValue<'_>, folder: &Path) -> Result<Value, String> {
    match (kind, value) {
        (Kind::Threads, DeValue::Integer(number)) => {
            Kind::threads(u64::from_str_radix(number.as_str(), number.radix()).ok())
        }
        (Kind::Profile | Kind::Size | Kind::Folder | Kind::Roots(_), DeValue::String(text)) => {
            kind.parse(text, folder)
        }
        (Kind::Threads, _) => Kind::threads(None),
        (Kind::Profile, _) => Err("it is a text, the name of a profile".to_owned()),
        (Kind::Size, _) => Err("it is a text such as \"2GiB\"".to_owned()),
        (Kind::Folder | Kind::Roots(_), _) => Err("it is a text, the path of a folder".to_owned()),
    }
}

/// A text with its keys and all that is white space or punctuation between words; other characters are stars.
fn without_values(text: &str, keys: &[Range<usize>]) -> String {
    let shown = |(at, next): (usize, char)| {
        let is_key = keys.iter().any(|key| key.contains(&at));
        if is_key || next.is_whitespace() || "=[]{}\"',.#".contains(next) {
            next.to_string()
        } else {
            // As many bytes as before, so that places stay where they are.
            "*".repeat(next.len_utf8())
        }
    };
    text.char_indices().map(shown).collect()
}
