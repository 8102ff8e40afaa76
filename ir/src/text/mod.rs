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
//!           | "schedule"                                          a schedule without segments
//!           | word "=" word [ input { "," input } ] fields        name, keyword, inputs
//!             [ "of" ("view" | "output") word [ "step" ] ]
//!             [ ":" schema ] [ "expects" schema ] [ "place" word string ]
//! input     = [ number ":" ] word                                 the port, where it is not the next
//! fields    = { word "=" value }
//! schema    = "{" [ word type [ "!" ] { "," word type [ "!" ] } ] "}"
//! value     = word | string | number | "~" number | "?" number | "true" | "false" | "null"
//!           | "(" SQL ")" | "[" values "]" | "{" word ":" value, … "}"
//! word      = letters, digits and `_ . @`, not starting with a digit or `.`; anything else, and the keywords
//!             `true false null of expects place`, as a JSON string
//! ```
//!
//! A statement begins at the left margin; lines that continue it are indented. `#` starts a comment at the left
//! margin. `( … )` is only another way to write a string, used for SQL: outside of quotes a line break in it, with the
//! white space around it, is one blank, and none next to a bracket. In phase Lowered the inputs are names
//! to be resolved; later they are edges. Nodes come in topological order with ties broken by name.
//!
//! What a node is part of is left out where it is what a name like this one usually means: `v` is the result of the
//! view `v`, `v.step` a step of it, `@t` the result of the output `t`, `@t.step` a step of that. Keywords are whole
//! words, so names may begin with them.

mod dot;
mod layout;
mod parenthesised;
mod parse;
mod part;
mod print;
#[cfg(test)]
mod tests;
mod value;

pub use crate::lexer::{take_word, word};
pub use dot::dot;
pub use parse::{Parsed, TextError, parse};
pub use print::{operation, print, statement};
