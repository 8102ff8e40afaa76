//! What names lead to over the files of a repository: what all languages that find it out have in common.
//!
//! A linker keeps an outline of every file while files are read, and when all have been it says where each use leads: an
//! [`Answer`], which becomes rows of the table `resolutions`.

mod interned;
mod settings;
mod work;

use crate::error::ExtractError;
use crate::lexical::Emitter;
use crate::modules::ModuleName;
use crate::tables::{ExtractErrorRow, FileKey, ResolutionRow, TableBuilders, file_id};
use crate::tree::Span;
pub(crate) use interned::{Symbol, Symbols};
pub(crate) use settings::Settings;
pub(crate) use work::Work;

/// Index into a list of the outline of a file.
pub(crate) type Index = u32;

/// The element of a list of an outline.
pub(crate) fn at<T>(list: &[T], index: Index) -> Option<&T> {
    list.get(index as usize)
}

/// Answers handed over at once; those of a file stay together.
const PIECE_ROWS: usize = 1 << 14;

/// What is said of a file of which names were given up.
const ENTANGLED: &str = "modules import all names from each other on too many ways; what some names of the file mean was \
                         not found, and they stay open";

/// Takes rows in pieces of bounded size.
pub(crate) type Pieces<'p> = dyn FnMut(TableBuilders) -> Result<(), ExtractError> + 'p;

/// Resolves the names of a language over all files of a repository, once they have been read.
pub(crate) trait Linker: Sync {
    /// Takes what it needs of a file that was read. Threads call this in any order.
    fn add(&self, file: &Emitter<'_, '_>);

    /// What the module that the file at a path is is called from outside, where that differs from its name inside.
    fn outer_name(&self, _path: &str, _module: &ModuleName) -> Option<String> {
        None
    }

    /// Hands over the rows of all files that were added, in the order of `file_id`, in pieces.
    ///
    /// # Errors
    /// Those of `out`, and when everything is to stop.
    fn link(&self, work: &Work<'_>, out: &mut Pieces<'_>) -> Result<(), ExtractError>;
}

/// Which edge an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Relation {
    /// A use of a name, and what it means.
    RefersTo,
    /// A call, and what it runs.
    Calls,
    /// An imported name, and what it stands for.
    Imports,
    /// A class or interface, and a base of it.
    Inherits,
    /// A call, and the class of which it makes an object.
    Instantiates,
}

impl Relation {
    /// The word used in the table.
    fn as_str(self) -> &'static str {
        match self {
            Self::RefersTo => "refers_to",
            Self::Calls => "calls",
            Self::Imports => "imports",
            Self::Inherits => "inherits",
            Self::Instantiates => "instantiates",
        }
    }
}

/// What a place leads to.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Node of the use.
    pub(crate) node_id: i64,
    /// Its bytes.
    pub(crate) span: Span,
    /// What the use has to do with what it leads to.
    pub(crate) relation: Relation,
    /// Nodes of definitions.
    pub(crate) targets: Vec<i64>,
    /// Whether all of them are meant (the namespaces of an import), not one of them.
    pub(crate) all: bool,
    /// Name of what is outside when there are none, and of what is left open when there are several.
    pub(crate) external: Option<String>,
    /// How it was found, or that it was not.
    pub(crate) method: &'static str,
}

impl Answer {
    /// Whether there is something to tell.
    fn tells(&self) -> bool {
        !self.targets.is_empty() || self.external.is_some()
    }

    /// Writes a row for each target, or one for what is outside.
    fn rows(&self, file: &FileKey<'_>, out: &mut TableBuilders) {
        let alternatives = if self.all { 1 } else { self.targets.len().max(1) };
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let mut row = |target_node_id: Option<i64>, external_name: Option<&str>, candidate: usize| {
            out.resolutions(ResolutionRow {
                node_id: self.node_id,
                relation: self.relation.as_str(),
                target_node_id,
                external_name,
                method: self.method,
                candidates: count(alternatives),
                candidate: count(candidate),
                bstart: i64::from(self.span.start),
                bend: i64::from(self.span.end),
                file,
            });
        };
        let open = self.external.as_deref();
        for (position, &target) in self.targets.iter().enumerate() {
            let several = alternatives > 1;
            row(Some(target), open.filter(|_| several), if several { position } else { 0 });
        }
        if self.targets.is_empty() {
            row(None, open, 0);
        }
    }
}

/// Hands over the answers for files, which `answers` gives by their place among the paths. What stands in the last piece
/// besides is written by `more`.
///
/// # Errors
/// Those of `out`, and when everything is to stop.
pub(crate) fn hand_over<'p>(
    work: &Work<'_>,
    paths: impl Iterator<Item = &'p str>,
    answers: impl Fn(usize) -> Vec<Answer>,
    more: impl FnOnce(&mut TableBuilders),
    out: &mut Pieces<'_>,
) -> Result<(), ExtractError> {
    let (mut piece, mut size) = (TableBuilders::default(), 0);
    // What was found out for all files, such as which types have which members, lacks something then.
    let lacks = work.is_exhausted();
    for (index, path) in paths.enumerate() {
        work.next_file()?;
        let file = FileKey { file_id: file_id(path), path };
        let found = answers(index);
        work.must_go_on()?;
        for answer in found.iter().filter(|answer| answer.tells()) {
            answer.rows(&file, &mut piece);
            size += 1;
        }
        if lacks || work.is_exhausted() {
            piece.extract_errors(ExtractErrorRow {
                code: "names_entangled",
                message: ENTANGLED,
                file: &file,
            });
        }
        if size >= PIECE_ROWS {
            out(std::mem::take(&mut piece))?;
            size = 0;
        }
    }
    more(&mut piece);
    out(piece)
}
