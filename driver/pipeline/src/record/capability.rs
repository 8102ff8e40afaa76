//! What this build can do, of what a build may be able to do.

use ir::capability::MISSING;
use serde::{Deserialize, Serialize};

/// An ability that not every build has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// Its name.
    pub name: String,
    /// Whether this build has it.
    pub available: bool,
    /// The version of what gives it.
    pub version: Option<String>,
    /// Why this build does not have it.
    pub reason: Option<String>,
}

/// Every ability, in a fixed order.
#[must_use]
pub fn capabilities() -> Vec<Capability> {
    let own = |name: &str, version: &str| Capability {
        name: name.to_owned(),
        available: true,
        version: Some(version.to_owned()),
        reason: None,
    };
    let mut all = vec![
        own("delta", env!("CODEANATOMY_DELTALAKE")),
        #[cfg(feature = "otel")]
        own("opentelemetry", env!("CARGO_PKG_VERSION")),
        own("relation_planner", env!("CARGO_PKG_VERSION")),
        own("spill", env!("CARGO_PKG_VERSION")),
    ];
    all.extend(MISSING.iter().map(|missing| Capability {
        name: missing.name.to_owned(),
        available: false,
        version: None,
        reason: Some(missing.reason.to_owned()),
    }));
    all
}
