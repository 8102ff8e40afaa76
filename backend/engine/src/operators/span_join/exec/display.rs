//! How the operator is shown in plans.

use std::fmt;

use datafusion::common::JoinType;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType};

use super::super::{SpanComparison, SpanRelation};
use super::{SpanJoinExec, column};

impl SpanJoinExec {
    /// The relation and the columns in words: `[a, b) contains [c, d)` for half-open spans,
    /// `contains(a <= c, d <= b)` for plain comparisons.
    fn condition(&self) -> String {
        let spec = &self.spec;
        let left = |index| column(&self.left, index).to_string();
        let right = |index| column(&self.right, index).to_string();
        let [start, end] = [left(spec.left_start), left(spec.left_end)];
        let [other_start, other_end] = [right(spec.right_start), right(spec.right_end)];
        let relation = spec.relation;
        let SpanComparison::Plain { strict } = spec.comparison else {
            return format!("[{start}, {end}) {relation} [{other_start}, {other_end})");
        };
        let [first, second] = strict.map(|strict| if strict { "<" } else { "<=" });
        match relation {
            SpanRelation::Contains | SpanRelation::Equals => {
                format!("{relation}({start} {first} {other_start}, {other_end} {second} {end})")
            }
            SpanRelation::Within => {
                format!("{relation}({other_start} {first} {start}, {end} {second} {other_end})")
            }
            SpanRelation::Overlaps => {
                format!("{relation}({start} {first} {other_end}, {other_start} {second} {end})")
            }
        }
    }

    fn key_pairs(&self) -> String {
        let pairs = self.spec.on.iter();
        let pairs = pairs.map(|&(l, r)| format!("({}, {})", column(&self.left, l), column(&self.right, r)));
        pairs.collect::<Vec<_>>().join(", ")
    }

    fn projected(&self) -> Option<String> {
        self.projection.as_ref()?;
        let columns = self.schema.fields().iter().zip(self.output_columns());
        let columns = columns.map(|(field, index)| format!("{}@{index}", field.name()));
        Some(columns.collect::<Vec<_>>().join(", "))
    }
}

impl DisplayAs for SpanJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join_type = JoinType::from(self.spec.join);
        let (keys, condition) = (self.key_pairs(), self.condition());
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "SpanJoinExec: join_type={join_type}, on=[{keys}], {condition}")?;
                if self.spec.innermost {
                    write!(f, ", innermost")?;
                }
                if let Some(projected) = self.projected() {
                    write!(f, ", projection=[{projected}]")?;
                }
                Ok(())
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "join_type={join_type}")?;
                if !self.spec.on.is_empty() {
                    writeln!(f, "on={keys}")?;
                }
                writeln!(f, "span={condition}")?;
                if self.spec.innermost {
                    writeln!(f, "innermost=true")?;
                }
                Ok(())
            }
        }
    }
}
