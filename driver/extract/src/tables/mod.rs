//! The extraction tables: their names, columns, identifiers, order and meaning, and the builders that fill them.

mod column;
mod define;
mod ids;
mod rows;
mod sink;

pub(crate) use column::FileKey;
pub use column::{Column, SortKey};
pub(crate) use ids::{RowIds, file_id, folder_id};
pub use rows::Table;
pub(crate) use rows::{
    BoundValueRow, CallArgRow, CallRow, DecoratorRow, DefinitionRow, DocstringRow, ExtractErrorRow, FileRow,
    ImportRow, ModuleRow, ParseErrorRow, RedirectRow, RefBindingRow, ReferenceRow, ResolutionRow, ScopeRow,
    SymbolRow, SyntaxNodeRow, TableBuilders,
};
pub use sink::TableSink;
