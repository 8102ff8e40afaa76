//! The messages of an index, with the numbers that version 0.10 of SCIP gives their fields. Fields that are never written are left
//! out.

/// Text of source files is UTF-8.
pub(super) const TEXT_IS_UTF8: i32 = 1;
/// Columns count bytes of UTF-8 from the start of the line.
pub(super) const COLUMNS_ARE_BYTES: i32 = 1;

/// Roles of occurrences, which add up.
pub(super) mod role {
    /// The symbol is defined here.
    pub(in super::super) const DEFINITION: i32 = 1;
    /// In a file that a program wrote.
    pub(in super::super) const GENERATED: i32 = 16;
    /// In a test.
    pub(in super::super) const TEST: i32 = 32;
}

/// An index.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Index {
    #[prost(message, optional, tag = "1")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, repeated, tag = "2")]
    pub(super) documents: Vec<Document>,
    #[prost(message, repeated, tag = "3")]
    pub(super) external_symbols: Vec<SymbolInformation>,
}

/// What holds for a whole index.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "2")]
    pub(super) tool_info: Option<ToolInfo>,
    #[prost(string, tag = "3")]
    pub(super) project_root: String,
    #[prost(int32, tag = "4")]
    pub(super) text_document_encoding: i32,
}

/// What made the index.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ToolInfo {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

/// A file.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Document {
    #[prost(string, tag = "1")]
    pub(super) relative_path: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) occurrences: Vec<Occurrence>,
    #[prost(message, repeated, tag = "3")]
    pub(super) symbols: Vec<SymbolInformation>,
    #[prost(string, tag = "4")]
    pub(super) language: String,
    #[prost(int32, tag = "6")]
    pub(super) position_encoding: i32,
}

/// A place where a symbol is defined or used.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Occurrence {
    /// Line, first column, and the column behind the last, from 0.
    #[prost(int32, repeated, tag = "1")]
    pub(super) range: Vec<i32>,
    #[prost(string, tag = "2")]
    pub(super) symbol: String,
    #[prost(int32, tag = "3")]
    pub(super) symbol_roles: i32,
}

/// A symbol.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SymbolInformation {
    #[prost(string, tag = "1")]
    pub(super) symbol: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) documentation: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    pub(super) relationships: Vec<Relationship>,
    #[prost(int32, tag = "5")]
    pub(super) kind: i32,
    #[prost(string, tag = "6")]
    pub(super) display_name: String,
    #[prost(message, optional, tag = "7")]
    pub(super) signature_documentation: Option<Signature>,
}

/// What a symbol looks like where it is defined.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Signature {
    #[prost(string, tag = "4")]
    pub(super) language: String,
    #[prost(string, tag = "5")]
    pub(super) text: String,
}

/// That a symbol stands for another.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Relationship {
    #[prost(string, tag = "1")]
    pub(super) symbol: String,
    #[prost(bool, tag = "2")]
    pub(super) is_reference: bool,
    #[prost(bool, tag = "3")]
    pub(super) is_implementation: bool,
}
