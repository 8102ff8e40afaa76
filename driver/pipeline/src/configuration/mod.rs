//! What a user allows and prefers: from the command line, the environment and a file, each value with its origin.
//!
//! ```text
//! command line  >  environment  >  the spec  >  codeanatomy.toml  >  the machine        sizes and profile
//! command line  +  environment             +  codeanatomy.toml  +  the spec's folder, the lake     folders
//! ```
//!
//! A spec, a repository and the tables in it come from anywhere; what they may use does not. So nothing here is ever read
//! from where they lie: the file is the one that `--config` or `CODEANATOMY_CONFIG` names, or that of the user's own folder
//! for configuration. No setting decides a row: they are places that may be used, and sizes.
//!
//! The environment is handed in ([`Environment`]): this crate does not look at it by itself.

mod environment;
mod file;
mod settings;
mod stores;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use delta::{Access, DeltaError, Roots};
use engine::{SessionOptions, Turns};
use ir::diag::{Diagnostic, SourceMap, SourceName, codes};
use serde::{Serialize, Serializer};

pub use environment::Environment;
pub use file::FILE_NAME;
pub use settings::{Key, Kind, MOST_THREADS, SETTINGS, Setting, Value, parse_size};

use crate::folders::absolute;
use crate::{PipelineError, Result};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This file.
    File(PathBuf),
    /// This variable of the environment.
    Environment(&'static str),
    /// This option of the command line.
    CommandLine(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) | Self::CommandLine(name) => f.write_str(name),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<&Origin> for engine::Origin {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File(path) => Self::Configuration(path.display().to_string()),
            Origin::Environment(name) => Self::Environment((*name).to_owned()),
            Origin::CommandLine(_) => Self::CommandLine,
        }
    }
}

/// A folder that specs may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedFolder {
    /// The folder; absolute.
    pub folder: PathBuf,
    /// What for.
    pub access: Access,
    /// Who says so.
    pub origin: Origin,
}

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The file of the configuration.
    pub file: Option<PathBuf>,
    /// Settings; folders to be used may be there several times.
    pub values: Vec<(Key, Value)>,
}

/// What holds.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    file: Option<PathBuf>,
    values: BTreeMap<Key, (Value, Origin)>,
    folders: Vec<AllowedFolder>,
}

impl Configuration {
    /// What command line, environment and file say together.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or else with the environment (E09xx); no error shows a value.
    pub fn of(given: &Given, environment: &Environment) -> Result<Self> {
        let file = file::find(given.file.as_deref(), environment)?;
        let of_file = file.as_deref().map(file::read).transpose()?.unwrap_or_default();
        let of_environment = environment.values()?;
        let mut all = Self { file, ..Self::default() };
        if let Some(file) = all.file.clone() {
            of_file
                .into_iter()
                .for_each(|(setting, value)| all.put(setting, value, Origin::File(file.clone())));
        }
        for (setting, value) in of_environment {
            all.put(setting, value, Origin::Environment(setting.variable));
        }
        for (key, value) in &given.values {
            if let Some(setting) = SETTINGS.iter().find(|setting| setting.key == *key) {
                all.put(setting, value.clone(), Origin::CommandLine(setting.option));
            }
        }
        Ok(all)
    }

    /// What was put before gives way, but for folders.
    fn put(&mut self, setting: &'static Setting, value: Value, origin: Origin) {
        match (setting.kind, value) {
            (Kind::Roots(access), Value::Folder(folder)) => {
                self.folders.push(AllowedFolder { folder, access, origin });
            }
            (Kind::Profile | Kind::Threads | Kind::Size | Kind::Folder | Kind::Roots(_), value) => {
                self.values.insert(setting.key, (value, origin));
            }
        }
    }

    /// The file that was read.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The value of a setting, and where it comes from. Folders that specs may use are [`Self::folders`].
    #[must_use]
    pub fn value(&self, key: Key) -> Option<(&Value, &Origin)> {
        self.values.get(&key).map(|(value, origin)| (value, origin))
    }

    /// The lake that is used where none is named.
    #[must_use]
    pub fn lake(&self) -> Option<&Path> {
        self.folder(Key::Lake)
    }

    /// The folders that specs may use besides their own and the lake.
    #[must_use]
    pub fn folders(&self) -> &[AllowedFolder] {
        &self.folders
    }

    /// What specs may read and write besides their own folders.
    ///
    /// # Errors
    /// For a folder that leads nowhere: links in a circle.
    pub fn roots(&self) -> Result<Roots> {
        let lake = self.lake().map(|lake| (lake, Access::Write));
        let folders = self.folders.iter().map(|allowed| (allowed.folder.as_path(), allowed.access));
        let refused = |error: DeltaError| {
            PipelineError::finding(codes::CONFIGURATION_VALUE, error.to_string(), "configuration")
        };
        folders.chain(lake).try_fold(Roots::default(), |roots, (folder, access)| {
            roots.with(&absolute(folder)?, access).map_err(refused)
        })
    }

    /// The resources of sessions, as far as it says something of them: what the file says gives way to what a spec says of
    /// its session, environment and command line do not.
    #[must_use]
    pub fn session(&self, mut session: SessionOptions) -> SessionOptions {
        let is_default = |origin: &Origin| matches!(origin, Origin::File(_));
        for defaults in [true, false] {
            let said = |key| self.value(key).filter(|(_, origin)| is_default(origin) == defaults);
            if let Some((Value::Word(name), origin)) = said(Key::Profile) {
                session = session.with_named_profile(name, &origin.into());
            }
            let sizes = [
                (Key::Threads, Turns::Partitions),
                (Key::MemoryLimit, Turns::Memory),
                (Key::SpillLimit, Turns::Disk),
            ];
            for (key, turns) in sizes {
                if let Some((value, origin)) = said(key) {
                    session.turn(turns, &value.to_string(), &origin.into());
                }
            }
        }
        session.spill_directory =
            self.folder(Key::SpillDir).map(Path::to_path_buf).or(session.spill_directory);
        session
    }

    fn folder(&self, key: Key) -> Option<&Path> {
        match self.value(key)? {
            (Value::Folder(folder), _) => Some(folder),
            (Value::Word(_) | Value::Number(_), _) => None,
        }
    }

    /// A warning when there is a configuration in a folder that somebody else may have made, unless it is the one that
    /// was read. It is looked for and not opened.
    #[must_use]
    pub fn not_read(&self, folder: &Path) -> Option<(Diagnostic, SourceMap)> {
        let there = folder.join(FILE_NAME);
        std::fs::symlink_metadata(&there).ok()?;
        let read = self.file().and_then(|file| file.canonicalize().ok());
        if read.is_some() && there.canonicalize().ok() == read {
            return None;
        }
        let message = format!("`{}` is not read", there.display());
        let found = Diagnostic::new(codes::CONFIGURATION_NOT_READ, message);
        let map = SourceMap::new(SourceName::new(there.display().to_string()), "");
        Some((found.help("name it with `--config` if it is yours"), map))
    }
}
