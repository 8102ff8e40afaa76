//! What this build can do, of what a build may be able to do.

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

/// Abilities of no build yet, and why. A field of a spec that asks for one is refused.
const MISSING: [(&str, &str); 6] = [
    ("substrait", "plans are not written as Substrait"),
    ("opentelemetry", "traces are not recorded"),
    ("function_factory", "SQL cannot create functions"),
    ("plugins", "functions and tables cannot be added from outside"),
    ("object_stores", "tables lie in folders of this machine"),
    ("distributed", "a run is one process"),
];

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
        own("relation_planner", env!("CARGO_PKG_VERSION")),
        own("spill", env!("CARGO_PKG_VERSION")),
    ];
    all.extend(MISSING.iter().map(|(name, reason)| Capability {
        name: (*name).to_owned(),
        available: false,
        version: None,
        reason: Some((*reason).to_owned()),
    }));
    all
}
