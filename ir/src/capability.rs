//! Abilities that a program of this kind may have and no build of this one has, each with the reason.
//!
//! It is the one table: a field of a spec that asks for such an ability is refused with the reason that stands here
//! ([`crate::spec::unsupported`]), and records of runs and `driver session` show the same.

/// An ability that no build has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingCapability {
    /// Its name.
    pub name: &'static str,
    /// Why it is missing.
    pub reason: &'static str,
}

/// Plans in the form that other engines read.
pub const SUBSTRAIT: MissingCapability =
    MissingCapability { name: "substrait", reason: "plans are not written as Substrait" };
/// Traces of runs in the form that collectors read. A build with the feature `otel` has them.
#[cfg(not(feature = "otel"))]
pub const OPENTELEMETRY: MissingCapability = MissingCapability {
    name: "opentelemetry",
    reason: "traces are recorded by builds with the feature `otel`",
};
/// `CREATE FUNCTION`.
pub const FUNCTION_FACTORY: MissingCapability =
    MissingCapability { name: "function_factory", reason: "SQL cannot create functions" };

/// Tables in stores that are not folders of this machine.
pub const OBJECT_STORES: MissingCapability =
    MissingCapability { name: "object_stores", reason: "tables lie in folders of this machine" };

/// Every ability that is missing, in a fixed order.
pub const MISSING: &[MissingCapability] = &[
    SUBSTRAIT,
    #[cfg(not(feature = "otel"))]
    OPENTELEMETRY,
    FUNCTION_FACTORY,
    MissingCapability {
        name: "plugins",
        reason: "no library is loaded at run time; a program that embeds this one adds what it needs when it is built",
    },
    OBJECT_STORES,
    MissingCapability { name: "distributed", reason: "a run is one process" },
];
