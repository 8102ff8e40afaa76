//! Which program this is.

use serde::{Deserialize, Serialize};

/// A program, with everything compiled into it that decides rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The version of Arrow.
    pub arrow: String,
    /// The version of DataFusion.
    pub datafusion: String,
    /// The version of the kernel that reads logs of Delta tables.
    pub delta_kernel: String,
    /// The version of the Delta library.
    pub deltalake: String,
    /// The version of the reader and writer of Parquet files.
    pub parquet: String,
    /// The name of the program.
    pub program: String,
    /// The digest of the program's own sources: two builds of one version differ by it.
    pub sources: String,
    /// The version of the program.
    pub version: String,
}

impl Build {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self {
            arrow: env!("CODEANATOMY_ARROW").to_owned(),
            datafusion: env!("CODEANATOMY_DATAFUSION").to_owned(),
            delta_kernel: env!("CODEANATOMY_DELTA_KERNEL").to_owned(),
            deltalake: env!("CODEANATOMY_DELTALAKE").to_owned(),
            parquet: env!("CODEANATOMY_PARQUET").to_owned(),
            program: "codeanatomy".to_owned(),
            sources: env!("CODEANATOMY_SOURCES").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_that_are_linked() {
        let build = Build::this();
        assert_eq!(build.datafusion, engine::DATAFUSION_VERSION);
        assert_eq!(build.arrow, arrow::ARROW_VERSION);
        assert_eq!(build.sources.len(), 64);
    }
}
