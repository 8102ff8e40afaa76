//! Files in which projects say where their modules are, such as manifests of packages.

use std::collections::BTreeMap;

use crate::modules::split;
use crate::tables::{ExtractErrorRow, FileKey, TableBuilders, file_id};
use crate::walk::FoundFile;

/// The largest such file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The texts of such files.
#[derive(Default)]
pub(crate) struct Settings {
    /// The texts by path.
    pub(crate) texts: BTreeMap<String, String>,
    /// Paths of those that cannot be read, and why.
    unread: Vec<(String, String)>,
}

impl Settings {
    /// Reads those of the files whose name is one of such a file.
    pub(crate) fn read(files: &[FoundFile], is_one: impl Fn(&str) -> bool) -> Self {
        let mut settings = Self::default();
        for file in files.iter().filter(|file| is_one(split(&file.path).1)) {
            let text = if file.size > MAX_BYTES {
                Err(format!("it has more than {MAX_BYTES} bytes"))
            } else {
                std::fs::read_to_string(&file.location).map_err(|error| error.to_string())
            };
            match text {
                Ok(text) => {
                    settings.texts.insert(file.path.clone(), text);
                }
                Err(reason) => settings.unread.push((file.path.clone(), reason)),
            }
        }
        settings
    }

    /// Writes a row of `extract_errors` for each file that could not be read, and for those that were not understood, given by
    /// path and reason; `consequence` says what is taken in its place.
    pub(crate) fn report(
        &self,
        not_understood: &[(String, String)],
        consequence: &str,
        out: &mut TableBuilders,
    ) {
        for (path, reason) in self.unread.iter().chain(not_understood) {
            let file = FileKey { file_id: file_id(path), path };
            let message = format!("{reason}; {consequence}");
            out.extract_errors(ExtractErrorRow { code: "manifest", message: &message, file: &file });
        }
    }
}
