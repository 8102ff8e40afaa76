//! The open documents, and what is known of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lsp_types::{TextDocumentContentChangeEvent, Uri};
use pipeline::editor::{Known, Outline};

use super::positions::byte_at;

/// An open document.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) version: i32,
    /// The definitions of the newest text that could be read.
    pub(super) outline: Option<Outline>,
    /// What the newest checks found out.
    pub(super) known: Known,
}

impl Document {
    pub(super) fn new(text: String, version: i32) -> Self {
        let outline = Outline::of(&text);
        Self { text, version, outline, known: Known::default() }
    }

    /// Takes changes in.
    pub(super) fn change(&mut self, changes: Vec<TextDocumentContentChangeEvent>, version: i32) {
        for change in changes {
            match change.range {
                Some(range) => {
                    let start = byte_at(&self.text, range.start);
                    let end = byte_at(&self.text, range.end).max(start);
                    self.text.replace_range(start..end, &change.text);
                }
                None => self.text = change.text,
            }
        }
        self.version = version;
        // A text that cannot be read keeps the definitions of the last that could.
        if let Some(outline) = Outline::of(&self.text) {
            self.outline = Some(outline);
        }
    }
}

/// All open documents. The thread that reads messages and the one that checks share them.
#[derive(Default)]
pub(super) struct Documents(Mutex<BTreeMap<String, Document>>);

impl Documents {
    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Document>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file of a document; one without a file is taken for one of the current folder.
pub(super) fn path_of(uri: &Uri) -> PathBuf {
    let url = url::Url::parse(uri.as_str()).ok();
    url.and_then(|url| url.to_file_path().ok()).unwrap_or_else(|| PathBuf::from("untitled.yaml"))
}
