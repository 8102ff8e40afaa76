//! The digest of rows: whether two tables, or a table and the answer of a program, have the same rows.
//!
//! It is the sum modulo 2^128 of hashes of whole rows, and their number. A sum has no order, so it depends neither on the
//! order of rows nor on how they are divided into files and batches, and the digest of a table is the sum of those of its
//! files. It tells rows that are there twice from rows that are there once, which an exclusive or would not. It is a check
//! against mistakes, not against people: whoever chooses the rows can choose them so that a sum comes out.
//!
//! # Definition
//!
//! *Columns* count in the order of the UTF-8 bytes of their names, wherever they stand.
//!
//! *Seed.* A table's columns have a seed: the first 8 bytes, least byte first, of the hash ([`hash::canonical`]) in the
//! domain `codeanatomy rows 1` of the list of its columns, each the list of its name and its type. A type is the text of the
//! table's schema (`long`, `decimal(15,2)`), nested ones are `array<T>`, `map<K,V>` and `struct<LENGTH:NAME:T,...>` with the
//! length of the name in bytes. Whether something may be NULL is no part of it.
//!
//! *Bytes.* A row is the cells of its columns, one after the other. A cell is the byte 0 for NULL, else the byte 1 and the
//! value. Numbers have their least byte first.
//!
//! | type | value |
//! |---|---|
//! | `boolean` | 1 byte, 0 or 1 |
//! | `byte`, `short`, `integer`, `long` | 1, 2, 4, 8 bytes, two's complement |
//! | `float`, `double` | 4, 8 bytes of IEEE 754; not a number is always `7fc00000`, `7ff8000000000000` |
//! | `decimal(p,s)` | 16 bytes, two's complement, without the point |
//! | `date` | 4 bytes, days since 1970 |
//! | `timestamp`, `timestamp_ntz` | 8 bytes, microseconds since 1970 |
//! | `string`, `binary` | length in 4 bytes, the bytes |
//! | `array` | number of items in 4 bytes, a cell each |
//! | `map` | number of entries in 4 bytes, for each the cells of key and value, as they are stored |
//! | `struct` | a cell for each field |
//! | `void` | has no values, is always NULL |
//!
//! *Hash.* XXH3-128 of the bytes with the seed, read as a number.
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
mod recorded;
#[cfg(test)]
mod tests;
mod types;

pub use digest::RowsDigest;
pub use error::RowsError;
pub use hasher::RowHasher;
pub(crate) use recorded::{ROWS, tag};
