//! Lists of output columns.

use serde::{Deserialize, Serialize};

use super::ScalarExpr;

/// Output columns with the expressions that compute them, in order. In the text form and in JSON a map from
/// name to expression; a list of pairs where two columns have one name, which no valid graph has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct NamedExprs(pub Vec<NamedExpr>);

/// One output column and the expression that computes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct NamedExpr {
    /// The name of the output column.
    pub name: String,
    /// The expression.
    pub expr: ScalarExpr,
}

impl NamedExpr {
    /// A column with the expression that computes it.
    #[must_use]
    pub fn new(name: impl Into<String>, expr: ScalarExpr) -> Self {
        Self { name: name.into(), expr }
    }

    /// A column passed through under its own name.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self::new(name, ScalarExpr::column(name))
    }
}

impl NamedExprs {
    /// The columns, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &NamedExpr> {
        self.0.iter()
    }

    /// Whether there are no columns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<NamedExpr> for NamedExprs {
    fn from_iter<T: IntoIterator<Item = NamedExpr>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl Serialize for NamedExprs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = self.0.iter().map(|named| (&named.name, &named.expr));
        let mut seen = std::collections::BTreeSet::new();
        if self.0.iter().all(|named| seen.insert(&named.name)) {
            serializer.collect_map(pairs)
        } else {
            serializer.collect_seq(pairs)
        }
    }
}

impl<'de> Deserialize<'de> for NamedExprs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> serde::de::Visitor<'de> for Columns {
            type Value = NamedExprs;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map from column name to SQL expression")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut pairs: A) -> Result<NamedExprs, A::Error> {
                let mut columns = Vec::new();
                while let Some((name, expr)) = pairs.next_element()? {
                    columns.push(NamedExpr { name, expr });
                }
                Ok(NamedExprs(columns))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<NamedExprs, A::Error> {
                let mut columns = Vec::new();
                while let Some((name, expr)) = map.next_entry()? {
                    columns.push(NamedExpr { name, expr });
                }
                Ok(NamedExprs(columns))
            }
        }
        deserializer.deserialize_any(Columns)
    }
}
