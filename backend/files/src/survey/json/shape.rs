//! What JSON values look like.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// The type of a value, or of several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Nothing is known: NULL, or an element of a list without any.
    Null,
    Boolean,
    Integer,
    Float,
    Text,
    List(Box<Shape>),
    /// Fields in the order in which they came.
    Object(Vec<(String, Shape)>),
}

/// Two values that cannot stand in one column.
#[derive(Debug)]
pub(crate) struct Conflict {
    path: Vec<String>,
    before: &'static str,
    here: &'static str,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        let (path, before, here) = (path.join("."), self.before, self.here);
        write!(f, "`{path}` is {here} here, and was {before} in the rows before; ")?;
        f.write_str("give the input a `schema` that leaves it out, or write it as one type")
    }
}

impl Shape {
    /// What messages call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean => "a truth value",
            Self::Integer => "an integer",
            Self::Float => "a number",
            Self::Text => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The shape of values that look like this one or like `other`.
    pub(crate) fn joined(self, other: Self) -> Result<Self, Conflict> {
        Ok(match (self, other) {
            (Self::Null, known) | (known, Self::Null) => known,
            (Self::Integer, Self::Float) | (Self::Float, Self::Integer) => Self::Float,
            (Self::List(left), Self::List(right)) => {
                let elements = left.joined(*right);
                Self::List(Box::new(elements.map_err(|conflict| conflict.inside("[]"))?))
            }
            (Self::Object(mut fields), Self::Object(others)) => {
                for (name, other) in others {
                    match fields.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, shape)) => {
                            let before = std::mem::replace(shape, Self::Null);
                            *shape = before.joined(other).map_err(|conflict| conflict.inside(&name))?;
                        }
                        None => fields.push((name, other)),
                    }
                }
                Self::Object(fields)
            }
            (left, right) if left == right => left,
            (left, right) => {
                return Err(Conflict { path: Vec::new(), before: left.name(), here: right.name() });
            }
        })
    }

    /// Where a row has a number with a fraction, and the column that is wanted is of integers: the reader would cut it off.
    pub(crate) fn cut_in<'f>(&self, wanted: impl Iterator<Item = &'f FieldRef> + Clone) -> Option<String> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find_map(|(name, shape)| {
            let field = wanted.clone().find(|field| field.name() == name)?;
            Some(format!("{name}{}", shape.cut_as(field.data_type())?))
        })
    }

    /// The path below a value of the type that is wanted to such a number.
    fn cut_as(&self, wanted: &DataType) -> Option<String> {
        match (self, wanted) {
            (Self::Float, wanted) if wanted.is_integer() => Some(String::new()),
            (Self::List(element), DataType::List(field)) => {
                Some(format!(".[]{}", element.cut_as(field.data_type())?))
            }
            (Self::Object(_), DataType::Struct(fields)) => Some(format!(".{}", self.cut_in(fields.iter())?)),
            _ => None,
        }
    }

    /// The columns of rows of this shape; nothing if it is none of a row.
    pub(crate) fn columns(&self) -> Option<Vec<FieldRef>> {
        let Self::Object(fields) = self else { return None };
        Some(fields.iter().map(|(name, shape)| Arc::new(Field::new(name, shape.data_type(), true))).collect())
    }

    /// The Arrow type. What was never seen is a text.
    fn data_type(&self) -> DataType {
        match self {
            Self::Null | Self::Text => DataType::Utf8View,
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::List(element) => DataType::List(Arc::new(Field::new("element", element.data_type(), true))),
            Self::Object(_) => DataType::Struct(self.columns().unwrap_or_default().into()),
        }
    }
}

impl Conflict {
    fn inside(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Boolean)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Integer)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Shape, E> {
        match i64::try_from(value) {
            Ok(_) => Ok(Shape::Integer),
            Err(_) => Err(E::custom(format!("{value} is larger than an integer of 64 bits can be"))),
        }
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Float)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Shape, A::Error> {
        let mut all = Shape::Null;
        while let Some(element) = elements.next_element::<Shape>()? {
            all = all.joined(element).map_err(|conflict| A::Error::custom(conflict.inside("[]")))?;
        }
        Ok(Shape::List(Box::new(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut fields: Vec<(String, Shape)> = Vec::new();
        while let Some((name, shape)) = entries.next_entry::<String, Shape>()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("the field `{name}` is there twice")));
            }
            fields.push((name, shape));
        }
        Ok(Shape::Object(fields))
    }
}
