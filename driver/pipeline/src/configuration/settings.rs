//! The one table of what can be configured: keys of the file, variables of the environment, options of the command line.

use std::fmt;
use std::path::{Path, PathBuf};

use delta::{Access, DeltaError, Location};
use serde::Serialize;

use crate::folders::absolute;

/// More threads than any machine has cores: a system refuses to start many more.
pub const MOST_THREADS: u64 = 1024;
/// The profiles that ship with the program.
const PROFILES: [&str; 4] = ["auto", "small", "medium", "large"];

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The profile of sessions.
    Profile,
    /// The folder of tables for `build` and `sql`.
    Lake,
    /// Threads to work with.
    Threads,
    /// Bytes that operators, shared views and writers may hold.
    MemoryLimit,
    /// The folder for temporary files.
    SpillDir,
    /// Bytes of temporary files.
    SpillLimit,
    /// Folders that specs may read.
    Readable,
    /// Folders that specs may read and write.
    Writable,
}

/// What values a setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name of a profile.
    Profile,
    /// A number of threads.
    Threads,
    /// A number of bytes, as [`parse_size`] reads it.
    Size,
    /// A folder.
    Folder,
    /// Folders, which are added to those that others allow.
    Roots(Access),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// What it is about.
    pub key: Key,
    /// Its key in the file; `roots.read` is `read` of the table `roots`.
    pub name: &'static str,
    /// The variable of the environment.
    pub variable: &'static str,
    /// The option of the command line.
    pub option: &'static str,
    /// Its values.
    pub kind: Kind,
    /// What holds without it, in words.
    pub default: &'static str,
}

/// All settings, in the order in which they are shown.
pub const SETTINGS: [Setting; 8] = [
    Setting {
        key: Key::Profile,
        name: "profile",
        variable: "CODEANATOMY_PROFILE",
        option: "--profile",
        kind: Kind::Profile,
        default: "that of the spec, or auto",
    },
    Setting {
        key: Key::Lake,
        name: "lake",
        variable: "CODEANATOMY_LAKE",
        option: "--lake",
        kind: Kind::Folder,
        default: ".codeanatomy/lake of the repository",
    },
    Setting {
        key: Key::Threads,
        name: "threads",
        variable: "CODEANATOMY_THREADS",
        option: "--threads",
        kind: Kind::Threads,
        default: "all cores",
    },
    Setting {
        key: Key::MemoryLimit,
        name: "memory_limit",
        variable: "CODEANATOMY_MEMORY_LIMIT",
        option: "--memory-limit",
        kind: Kind::Size,
        default: "by the machine",
    },
    Setting {
        key: Key::SpillDir,
        name: "spill_dir",
        variable: "CODEANATOMY_SPILL_DIR",
        option: "--spill-dir",
        kind: Kind::Folder,
        default: "the system's",
    },
    Setting {
        key: Key::SpillLimit,
        name: "spill_limit",
        variable: "CODEANATOMY_SPILL_LIMIT",
        option: "--spill-limit",
        kind: Kind::Size,
        default: "80% of what is free",
    },
    Setting {
        key: Key::Readable,
        name: "roots.read",
        variable: "CODEANATOMY_ALLOW_READ",
        option: "--allow-read",
        kind: Kind::Roots(Access::Read),
        default: "the spec's folder, and the lake",
    },
    Setting {
        key: Key::Writable,
        name: "roots.write",
        variable: "CODEANATOMY_ALLOW",
        option: "--allow",
        kind: Kind::Roots(Access::Write),
        default: "the spec's folder, and the lake",
    },
];

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A word.
    Word(&'static str),
    /// A number of threads or bytes.
    Number(u64),
    /// A folder; absolute.
    Folder(PathBuf),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => write!(f, "{number}"),
            Self::Folder(folder) => write!(f, "{}", folder.display()),
        }
    }
}

impl Setting {
    /// The value of a text that the command line has. Relative folders count from the current one.
    ///
    /// # Errors
    /// Why it cannot be one, without the text.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        self.kind.parse(text, Path::new("."))
    }
}

impl Kind {
    /// The value of a text; relative folders count from `base`. The error says what a value looks like, and does not
    /// repeat the text.
    pub(super) fn parse(self, text: &str, base: &Path) -> Result<Value, String> {
        match self {
            Self::Profile => {
                let word = PROFILES.iter().find(|word| **word == text);
                word.map(|word| Value::Word(word))
                    .ok_or_else(|| format!("it is none of {}", PROFILES.join(", ")))
            }
            Self::Threads => Self::threads(text.parse().ok()),
            Self::Size => parse_size(text).map(Value::Number),
            Self::Folder => folder(text, base).map(Value::Folder),
            Self::Roots(_) if text.contains(['*', '?', '[']) => {
                Err("it is a pattern, and a root is one folder with all that is below it".to_owned())
            }
            Self::Roots(_) => folder(text, base).map(Value::Folder),
        }
    }

    /// A number of threads, unless there are none or more than [`MOST_THREADS`].
    pub(super) fn threads(number: Option<u64>) -> Result<Value, String> {
        let number = number.filter(|number| (1..=MOST_THREADS).contains(number));
        number.map(Value::Number).ok_or_else(|| format!("it is no number from 1 to {MOST_THREADS}"))
    }
}

/// A folder, by the rules for locations in a spec. The root of the file system is one, too.
fn folder(text: &str, base: &Path) -> Result<PathBuf, String> {
    if text == "/" {
        return Ok(PathBuf::from(text));
    }
    let base = absolute(base).map_err(|error| error.to_string())?;
    match Location::parse(text, &base) {
        Ok(place) => place.as_path().ok_or_else(|| "it is no folder of this machine".to_owned()),
        Err(DeltaError::InvalidLocation { reason, .. }) => Err(reason),
        Err(_) => Err("it is no folder".to_owned()),
    }
}

/// A number of bytes: digits, optionally with a fraction, and a unit. `K`, `M`, `G`, `T` and their forms with `iB`
/// are powers of 1024, those with `B` powers of 1000.
///
/// # Errors
/// What is wrong with it, and how to write it.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err("it has no unit that is known; write K, M, G, T, or KB, MiB and so on".to_owned()),
    };
    let wrong = || "it is no number of bytes; write like 500M or 1.5GiB".to_owned();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: f64 = format!("0.{fraction}").parse().map_err(|_| wrong())?;
    // Below one unit, so that it fits; bytes of a fraction need no more precision than a double has.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "see above"
    )]
    let part = (fraction * factor as f64) as u64;
    let bytes = whole.checked_mul(factor).and_then(|bytes| bytes.checked_add(part)).ok_or_else(wrong)?;
    if bytes == 0 { Err("it must be more than 0".to_owned()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        assert_eq!(parse_size("1500"), Ok(1500));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("2GB"), Ok(2_000_000_000));
        assert_eq!(parse_size("1.5K"), Ok(1536));
        for wrong in ["", "GiB", "-1", "1.2.3M", "5 parsec", "0", "99999999999T"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_setting_is_there_once_by_each_of_its_names() {
        let keys: BTreeSet<Key> = SETTINGS.iter().map(|setting| setting.key).collect();
        let names: BTreeSet<&str> =
            SETTINGS.iter().flat_map(|setting| [setting.name, setting.variable, setting.option]).collect();
        assert_eq!((keys.len(), names.len()), (SETTINGS.len(), 3 * SETTINGS.len()));
    }
}
