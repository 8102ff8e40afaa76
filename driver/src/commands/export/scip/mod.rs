//! [SCIP](https://github.com/scip-code/scip), the index of symbols that code search and editors read: for each file its symbols and
//! where they are used, file by file, and at last what lies outside.
//!
//! | module | does |
//! |---|---|
//! | messages | the messages of protocol buffers |
//! | names | what symbols are called |
//! | documents | a file of source code |
//! | kinds | what symbols and languages are called in an index |
//! | rows | rows of a query, file by file |

mod documents;
mod kinds;
mod messages;
mod names;
mod rows;

use std::io::Write as _;
use std::path::Path;

use pipeline::Lake;
use prost::Message as _;
use url::Url;

use super::questions::{Question, Questions};
use super::target::{Output, close};
use crate::failure::Failure;
use crate::report::count;
use documents::Documents;
use messages::{Index, Metadata, SymbolInformation, TEXT_IS_UTF8, ToolInfo};
use names::Names;
use rows::Columns;

/// The folder that paths of an index count from, as the index names it.
pub(super) fn root_of(lake: &Lake, given: Option<&Path>) -> Result<String, Failure> {
    let of_repository = || {
        let inside = lake.folder().parent().filter(|inner| inner.ends_with(".codeanatomy"));
        inside.filter(|_| lake.folder().ends_with("lake")).and_then(Path::parent)
    };
    let folder = given.or_else(of_repository).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Failure::file("find the folder", folder, &error);
    let folder = std::fs::canonicalize(folder).map_err(failed)?;
    let url = Url::from_directory_path(&folder);
    let url = url.map_err(|()| Failure::User(format!("`{}` has no form as a URL", folder.display())))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Writes an index, and says how much is in it. The messages of an index one after the other are the message of all of them.
pub(super) fn write(questions: &Questions<'_>, root: &str, mut out: Output) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::output("the export", &error);
    let mut put = |index: &Index| out.write_all(&index.encode_to_vec()).map_err(failed);
    put(&Index { metadata: Some(metadata(root)), ..Index::default() })?;
    let names = Names::read(questions)?;
    let (mut files, mut symbols, mut occurrences) = (0, 0, 0);
    Documents::new(questions, &names)?.each(|document| {
        files += 1;
        symbols += document.symbols.len();
        occurrences += document.occurrences.len();
        put(&Index { documents: vec![document], ..Index::default() })
    })?;
    let externals = Question::plain(include_str!("../../../../exports/scip_externals.sql"));
    let mut outside = 0;
    questions.each(&externals, |batch| {
        for row in Columns::of(batch)?.rows() {
            outside += 1;
            let (language, name) = (row.text("language"), row.text("name"));
            let symbol = names::external(language, name);
            let display_name = name.to_owned();
            let information = SymbolInformation { symbol, display_name, ..SymbolInformation::default() };
            put(&Index { external_symbols: vec![information], ..Index::default() })?;
        }
        Ok(())
    })?;
    close(out).map_err(failed)?;
    let text = |number: usize| count(u64::try_from(number).unwrap_or(u64::MAX));
    Ok(format!(
        "{} files, {} symbols, {} occurrences and {} symbols from outside",
        text(files),
        text(symbols),
        text(occurrences),
        text(outside)
    ))
}

fn metadata(root: &str) -> Metadata {
    let tool = ToolInfo { name: "codeanatomy".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    Metadata { tool_info: Some(tool), project_root: root.to_owned(), text_document_encoding: TEXT_IS_UTF8 }
}
