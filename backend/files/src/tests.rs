//! Tests over files in a temporary folder.
