//! One way to write the documentation that DataFusion shows for a function.

use datafusion::logical_expr::{DocSection, Documentation};

/// The documentation page of one function: what it does, how it is called, its arguments as (name, meaning)
/// pairs, and one query that can be pasted.
pub(crate) fn page(
    description: &str,
    syntax: &str,
    arguments: &[(&str, &str)],
    example: &str,
) -> Documentation {
    let section = DocSection { include: true, label: "CodeAnatomy Functions", description: None };
    let builder = Documentation::builder(section, description, syntax).with_sql_example(example);
    arguments.iter().fold(builder, |builder, (name, meaning)| builder.with_argument(*name, *meaning)).build()
}
