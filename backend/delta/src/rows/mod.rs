//! The digest of rows: whether two tables, or a table and the answer of a program, have the same rows.
//!
//! It is the sum modulo 2^128 of hashes of whole rows, and their number. A sum has no order, so it depends neither on the
//! order of rows nor on how they are divided into files and batches, and the digest of a table is the sum of those of its
//! files. It tells rows that are there twice from rows that are there once, which an exclusive or would not. It is a check
//! against mistakes, not against people: whoever chooses the rows can choose them so that a sum comes out.
//!
//! # Definition
//!
//! The page of all hashes (`ir/hash/HASHES.md`, "The digest of rows") defines it to the bit. In short:
//!
//! - A table's columns have *keys*: the extended output of the hash ([`hash::canonical`]) of their names and types, in the order
//!   of the UTF-8 bytes of the names, wherever they stand ([`mixing`]). The first 8 bytes are the *seed*.
//! - A row has a *state* of 128 bits. Each cell adds to it: numbers their product with a key of the column, texts a product for
//!   each two words or the XXH3-128 of theirs, NULL a key, structs what is in them, lists the hashes of their items
//!   ([`columns`]). So a column is gone through by itself, for some rows at a time, and no row is ever written out.
//! - The hash of a row is a permutation of its state ([`mixing::hash_of`]), which makes a sum of regular states irregular.
//!
//! # Where digests are
//!
//! A writer puts the digest of a file into its tag [`ROWS`], and that of all files of a commit into the metadata of the
//! commit. Columns may change after a file was written, and its rows are read with the new ones then. So the tag
//! [`ROWS_SCHEMA`](recorded::ROWS_SCHEMA) has the seed, and a digest counts only while the table has the columns of it.

mod columns;
mod digest;
mod error;
mod hasher;
mod mixing;
mod recorded;
#[cfg(test)]
mod tests;
mod types;

pub use digest::RowsDigest;
pub use error::RowsError;
pub use hasher::RowHasher;
pub(crate) use recorded::{ROWS, tag};
