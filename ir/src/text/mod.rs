//! The text form of a graph: it prints, and what it prints parses back to an equal graph.
//!
//! ```text
//! graph orders_daily phase=typed
//! orders = scan location="tables/orders" version=3 rows=120 : {id Int64!, day Date32, amount Float64}
//! paid = filter orders predicate=(amount > 0) : {id Int64!, day Date32, amount Float64}
//! daily = aggregate paid group_by={day: day} measures={total: (sum(amount))} : {day Date32, total Float64}
//! @daily = sink daily location=daily mode=overwrite : {day Date32, total Float64}
//! ```
//!
//! Grammar:
//!
//! ```text
//! text      = "graph" word fields { statement }
//! statement = ("parameter" | "cache" | "segment") fields          header statements
//!           | word "=" word [ word { "," word } ] fields          name, keyword, inputs
//!             [ ":" schema ] [ "expects" schema ] [ "place" word value ]
//! fields    = { word "=" value }
//! value     = word | string | number | "~" number | "?" number | "true" | "false" | "null"
//!           | "(" SQL ")" | "[" values "]" | "{" word ":" value, … "}"
//! word      = letters, digits and `_ . @`, not starting with a digit; anything else as a JSON string
//! ```
//!
//! A statement begins at the left margin; lines that continue it are indented. `#` starts a comment at the left
//! margin. `( … )` is only another way to write a string, used for SQL. In phase Lowered the inputs are names
//! to be resolved; later they are edges. Nodes come in topological order with ties broken by name.

mod dot;
mod parse;
mod print;
mod value;

pub use dot::dot;
pub use parse::{Parsed, TextError, parse};
pub use print::{operation, print, statement};
pub use value::{take_word, word};
