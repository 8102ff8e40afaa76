//! The variables of the environment that mean something here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use ir::diag::{Diagnostic, SourceMap, SourceName, codes};

use super::settings::{Kind, SETTINGS, Setting, Value};
use crate::{PipelineError, Result};

/// Names the file of the configuration.
pub(super) const CONFIG: &str = "CODEANATOMY_CONFIG";
/// The user's folder for configuration, and where it is if nobody says so.
pub(super) const CONFIG_HOME: &str = "XDG_CONFIG_HOME";
pub(super) const HOME: &str = "HOME";
/// The user's folder for what programs keep from one time to the next.
const STATE_HOME: &str = "XDG_STATE_HOME";
/// The command that shows texts page by page.
const PAGER: &str = "PAGER";

/// The variables of the environment that mean something here, and no other: what else a program was started with stays
/// where it is.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<&'static str, OsString>);

impl Environment {
    /// Keeps of these variables those that mean something. Empty ones say nothing.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let known = |name: &OsStr| {
            let settings = SETTINGS.iter().map(|setting| setting.variable);
            settings.chain([CONFIG, CONFIG_HOME, HOME, STATE_HOME, PAGER]).find(|known| name == *known)
        };
        let kept = variables.into_iter().filter(|(_, value)| !value.is_empty());
        Self(kept.filter_map(|(name, value)| Some((known(&name)?, value))).collect())
    }

    /// The program's own folder among those for what programs keep: `codeanatomy` in `XDG_STATE_HOME` or `~/.local/state`.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        let home = || self.get(HOME).map(|home| Path::new(home).join(".local/state"));
        let folder = self.get(STATE_HOME).map(PathBuf::from).filter(|it| it.is_absolute()).or_else(home)?;
        Some(folder.join("codeanatomy"))
    }

    /// The command that shows texts page by page.
    #[must_use]
    pub fn pager(&self) -> Option<&OsStr> {
        self.get(PAGER)
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// What it says of settings. Relative folders count from the current one.
    ///
    /// # Errors
    /// [`codes::CONFIGURATION_VALUE`] for each value that its setting cannot have.
    pub(super) fn values(&self) -> Result<Vec<(&'static Setting, Value)>> {
        let (mut values, mut findings) = (Vec::new(), Vec::new());
        for setting in &SETTINGS {
            let Some(text) = self.get(setting.variable) else { continue };
            for value in parse(setting.kind, text) {
                match value {
                    Ok(value) => values.push((setting, value)),
                    Err(reason) => {
                        let message = format!("`{}` cannot be used: {reason}", setting.variable);
                        let found = Diagnostic::new(codes::CONFIGURATION_VALUE, message);
                        findings.push(found.about("variable", setting.variable));
                    }
                }
            }
        }
        if findings.is_empty() {
            return Ok(values);
        }
        let map = Box::new(SourceMap::new(SourceName::new("environment"), ""));
        Err(PipelineError::Findings { diagnostics: findings, map })
    }
}

/// The values in a variable: several of folders that may be used, as in `PATH`.
fn parse(kind: Kind, text: &OsStr) -> Vec<Result<Value, String>> {
    let one = |text: &OsStr| match text.to_str() {
        Some(text) => kind.parse(text, Path::new(".")),
        None => Err("it is not Unicode".to_owned()),
    };
    match kind {
        // It would be divided into folders that nobody means.
        Kind::Roots(_) if text.to_string_lossy().contains("://") => {
            vec![Err("it holds a URL; write folders, with `:` between them".to_owned())]
        }
        Kind::Roots(_) => std::env::split_paths(text).map(|path| one(path.as_os_str())).collect(),
        Kind::Profile | Kind::Threads | Kind::Size | Kind::Folder => vec![one(text)],
    }
}

impl std::fmt::Debug for Environment {
    /// Names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
