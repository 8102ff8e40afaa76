//! The table of invariants.

use std::fmt;

use crate::phase::Phase;

macro_rules! invariants {
    ($($rule:ident $since:ident $meaning:literal,)+) => {
        /// An invariant of graphs. Printed, it is its number, such as `V03`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $meaning] $rule,)+
        }

        impl Rule {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// What must hold.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$rule => $meaning,)+
                }
            }

            /// The first phase in which it says something; it holds in all that follow.
            #[must_use]
            pub fn since(self) -> Phase {
                match self {
                    $(Self::$rule => Phase::$since,)+
                }
            }

            /// Its number, with a `V` before it.
            #[must_use]
            pub fn number(self) -> &'static str {
                match self {
                    $(Self::$rule => stringify!($rule),)+
                }
            }
        }
    };
}

invariants! {
    V01 Lowered "the result of a view or input is named like it; a sink, and nothing else, is the result of an output, and a check that of an assertion",
    V02 Lowered "an operation stands only in the phases it is allowed in",
    V03 Lowered "a node has as many inputs as its operation takes, at ports 0, 1, …; in Lowered as names, later as edges",
    V04 Resolved "the graph has no cycle",
    V05 Resolved "leaves, and from Typed all nodes, have a schema, without two columns of one name",
    V06 Typed "expressions, keys and bounds read only columns their input has",
    V07 Typed "the schema of a core operation is the one derived from its inputs, nullability included",
    V08 Resolved "nobody reads a check, and only `written` a sink; from Placed every node leads to a sink or a check",
    V09 Bound "there are no parameters and no placeholders",
    V10 Core "there are no view contracts",
    V11 Lowered "a node with several readers has a placement; before Placed none has",
    V12 Lowered "segments are exactly the shared nodes, the sinks and the checks, each after those it reads, on a higher level; before Scheduled there are none",
    V13 Core "output columns of joins exist on their side and have different names; a span join keeps left rows only or both sides",
    V14 Core "the inputs of a union have the same columns and types in the same order",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}

impl serde::Serialize for Rule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number())
    }
}
