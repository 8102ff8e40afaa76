//! The hashes of CodeAnatomy, each defined in one place.
//!
//! - What is compared between runs, machines and versions is hashed by [`canonical`]: typed values, in one encoding, with the
//!   name of what is hashed before them. Its page, `HASHES.md`, has what each hash covers, and vectors.
//! - Identifiers of rows are BLAKE2b of a list of texts ([`stable_id64`], [`stable_id128`]).
//! - [`digest`] tells values of one build of a program apart, by what they feed to their hasher.

pub mod canonical;
mod content_hash;
mod stable;

pub use content_hash::{ContentHash, Hasher, digest};
pub use stable::{push_part, stable_hash64, stable_hash128, stable_id64, stable_id128};
