//! The files of an index, one after the other: their symbols, where these are defined, and what is used.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pipeline::Answer;

use super::super::questions::{Question, Questions};
use super::kinds;
use super::messages::{
    COLUMNS_ARE_BYTES, Document, Occurrence, Relationship, Signature, SymbolInformation, role,
};
use super::names::{Names, external};
use super::rows::{ByFile, Columns, Row};
use crate::failure::Failure;

/// What documents are made from. The rows of each query are read file by file, side by side.
pub(super) struct Documents<'a> {
    questions: &'a Questions<'a>,
    names: &'a Names,
    symbols: Answer,
    uses: Answer,
    relations: Answer,
}

/// Roles by place and symbol: what is defined and written at one place is one occurrence.
type Occurrences = BTreeMap<([i32; 3], String), i32>;

impl<'a> Documents<'a> {
    pub(super) fn new(questions: &'a Questions<'a>, names: &'a Names) -> Result<Self, Failure> {
        let ask = |text: &str| questions.ask(&Question::plain(text));
        Ok(Self {
            questions,
            names,
            symbols: ask(include_str!("../../../../exports/scip_symbols.sql"))?,
            uses: ask(include_str!("../../../../exports/scip_uses.sql"))?,
            relations: ask(include_str!("../../../../exports/scip_relations.sql"))?,
        })
    }

    /// Calls a function with every document, ordered by path.
    pub(super) fn each(
        &self,
        mut use_document: impl FnMut(Document) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut symbols = ByFile::new(self.questions, &self.symbols)?;
        let mut uses = ByFile::new(self.questions, &self.uses)?;
        let mut relations = ByFile::new(self.questions, &self.relations)?;
        let files = Question::plain(include_str!("../../../../exports/scip_files.sql"));
        self.questions.each(&files, |batch| {
            for row in Columns::of(batch)?.rows() {
                let file = File { names: self.names, path: row.text("path"), language: row.text("language") };
                let related = file.relationships(&mut relations)?;
                let (mut occurrences, mut known) = (Occurrences::new(), Vec::new());
                file.definitions(&mut symbols, related, &mut occurrences, &mut known)?;
                file.uses(&mut uses, &mut occurrences)?;
                use_document(file.document(occurrences, known))?;
            }
            Ok(())
        })
    }
}

/// A file.
struct File<'a> {
    names: &'a Names,
    path: &'a str,
    language: &'a str,
}

impl File<'_> {
    /// The name of what a row is about: a symbol of the repository, or something outside.
    fn name(&self, row: Row<'_>, id: &str) -> String {
        self.names.of(row.number(id)).unwrap_or_else(|| external(self.language, row.text("name")))
    }

    /// What the symbols of the file stand for, by their identifiers.
    fn relationships(&self, rows: &mut ByFile<'_>) -> Result<HashMap<i64, BTreeMap<String, bool>>, Failure> {
        let mut found: HashMap<i64, BTreeMap<String, bool>> = HashMap::new();
        rows.each_of(self.path, |row| {
            let is_reference = found
                .entry(row.number("symbol_id"))
                .or_default()
                .entry(self.name(row, "target_id"))
                .or_default();
            *is_reference |= row.is("overrides");
            Ok(())
        })?;
        Ok(found)
    }

    fn definitions(
        &self,
        rows: &mut ByFile<'_>,
        mut related: HashMap<i64, BTreeMap<String, bool>>,
        occurrences: &mut Occurrences,
        known: &mut Vec<SymbolInformation>,
    ) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        rows.each_of(self.path, |row| {
            let id = row.number("symbol_id");
            let symbol = self.name(row, "symbol_id");
            let mut roles = role::DEFINITION;
            roles |= if row.is("is_test") { role::TEST } else { 0 };
            roles |= if row.is("is_generated") { role::GENERATED } else { 0 };
            *occurrences.entry((range(row), symbol.clone())).or_default() |= roles;
            let related = related.remove(&id).unwrap_or_default();
            if seen.insert(symbol.clone()) {
                known.push(self.information(row, symbol, related));
            }
            Ok(())
        })
    }

    fn information(
        &self,
        row: Row<'_>,
        symbol: String,
        related: BTreeMap<String, bool>,
    ) -> SymbolInformation {
        let relationship =
            |(target, is_reference)| Relationship { symbol: target, is_reference, is_implementation: true };
        let (documentation, signature) = (row.text("documentation"), row.text("signature"));
        let signature = (!signature.is_empty()).then(|| Signature {
            language: kinds::language(self.language, self.path).to_owned(),
            text: signature.to_owned(),
        });
        SymbolInformation {
            relationships: related
                .into_iter()
                .filter(|(target, _)| *target != symbol)
                .map(relationship)
                .collect(),
            symbol,
            documentation: (!documentation.is_empty())
                .then(|| documentation.to_owned())
                .into_iter()
                .collect(),
            kind: kinds::kind(row.text("kind"), self.language),
            display_name: row.text("name").to_owned(),
            signature_documentation: signature,
        }
    }

    fn uses(&self, rows: &mut ByFile<'_>, occurrences: &mut Occurrences) -> Result<(), Failure> {
        rows.each_of(self.path, |row| {
            let symbol = self.name(row, "symbol_id");
            *occurrences.entry((range(row), symbol)).or_default() |= row.small("role");
            Ok(())
        })
    }

    fn document(&self, occurrences: Occurrences, symbols: Vec<SymbolInformation>) -> Document {
        let occurrence = |((range, symbol), symbol_roles): (([i32; 3], String), i32)| Occurrence {
            range: range.to_vec(),
            symbol,
            symbol_roles,
        };
        Document {
            relative_path: self.path.to_owned(),
            occurrences: occurrences.into_iter().map(occurrence).collect(),
            symbols,
            language: kinds::language(self.language, self.path).to_owned(),
            position_encoding: COLUMNS_ARE_BYTES,
        }
    }
}

/// Where a row's name stands: on one line.
fn range(row: Row<'_>) -> [i32; 3] {
    let start = row.small("start_column");
    [row.small("line"), start, start.saturating_add(row.small("length"))]
}
