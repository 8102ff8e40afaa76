//! Which parts of a session besides DataFusion's own a spec may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name that stands in a list for all parts of its kind that ship with the program.
pub const SHIPPED_EXTENSIONS: &str = "codeanatomy";

/// Declares the kinds of extensions, each with its list in a spec.
macro_rules! extension_kinds {
    ($($(#[$about:meta])* $kind:ident $field:ident;)+) => {
        /// The kinds of parts that a session may have besides those of DataFusion.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ExtensionKind {
            $($(#[$about])* $kind,)+
        }

        impl ExtensionKind {
            /// All kinds, in the order of the lists of a spec.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The name of the list of a spec, and of the kind.
            #[must_use]
            pub fn field(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($field),)+
                }
            }
        }

        impl Serialize for ExtensionKind {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.field())
            }
        }

        /// Which extensions a spec may use, by kind and name: every part of a session that is not DataFusion's own as it ships.
        /// The name `codeanatomy` stands for all parts of a kind that ship with this program. What is not listed is refused or
        /// warned of, as `runtime.extension_governance_mode` says. Functions count where the spec calls them, everything else
        /// where the session has it. `driver session` lists all of them.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct AllowedExtensions {
            $($(#[$about])* pub $field: Vec<String>,)+
        }

        impl AllowedExtensions {
            /// The list of a kind.
            #[must_use]
            pub fn of(&self, kind: ExtensionKind) -> &[String] {
                match kind {
                    $(ExtensionKind::$kind => &self.$field,)+
                }
            }

            /// Whether nothing is listed.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                ExtensionKind::ALL.iter().all(|kind| self.of(*kind).is_empty())
            }
        }
    };
}

extension_kinds! {
    /// Functions that SQL calls, by any of their names.
    Functions functions;
    /// Planners of operators and literals of SQL.
    ExprPlanners expr_planners;
    /// Planners of what stands in FROM.
    RelationPlanners relation_planners;
    /// Planners of names of types.
    TypePlanners type_planners;
    /// Planners of nodes of logical plans.
    QueryPlanners query_planners;
    /// Rewrites of calls.
    FunctionRewrites function_rewrites;
    /// What makes tables.
    TableFactories table_factories;
    /// Formats of files.
    FileFormats file_formats;
    /// Rules that make a logical plan sound.
    AnalyzerRules analyzer_rules;
    /// Rules that make a logical plan better.
    OptimizerRules optimizer_rules;
    /// Rules that make a physical plan sound and better.
    PhysicalOptimizerRules physical_optimizer_rules;
}
