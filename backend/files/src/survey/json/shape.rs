//! What JSON values look like.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::type_name;
use crate::values::Kind;

/// The type of a value, or of several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Nothing is known: NULL, or an element of a list without any.
    Null,
    Boolean,
    Integer,
    /// An integer beyond 64 bits with a sign.
    Huge,
    Float,
    /// Texts, and what they look like: a date, a timestamp, or no more than a text.
    Text(Kind),
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
            Self::Integer | Self::Huge => "an integer",
            Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The shape of values that look like this one or like `other`.
    pub(crate) fn joined(self, other: Self) -> Result<Self, Conflict> {
        Ok(match (self, other) {
            (Self::Null, known) | (known, Self::Null) => known,
            (Self::Integer, Self::Huge) | (Self::Huge, Self::Integer) => Self::Huge,
            (Self::Integer | Self::Huge, Self::Float) | (Self::Float, Self::Integer | Self::Huge) => {
                Self::Float
            }
            (Self::Text(left), Self::Text(right)) => Self::Text(left.joined(right)),
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

    /// Where a row has a value that is none of the type that is wanted, and what is wrong with it. Whether a number or a text
    /// means a value of its type is found out when it is read.
    pub(crate) fn misfit<'f>(&self, wanted: impl Iterator<Item = &'f FieldRef> + Clone) -> Option<String> {
        let (path, found, wanted) = self.misfit_in(wanted)?;
        let column = type_name(&wanted);
        Some(match found {
            Self::Float if wanted.is_integer() => {
                format!("`{path}` is no integer, and its column is {column}")
            }
            _ => format!("`{path}` is {}, and its column is {column}", found.name()),
        })
    }

    fn misfit_in<'f>(
        &self,
        wanted: impl Iterator<Item = &'f FieldRef> + Clone,
    ) -> Option<(String, &Self, DataType)> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find_map(|(name, shape)| {
            let field = wanted.clone().find(|field| field.name() == name)?;
            let (path, found, wanted) = shape.misfit_as(field.data_type())?;
            Some((format!("{name}{path}"), found, wanted))
        })
    }

    /// The path below a value of the type that is wanted to such a value.
    fn misfit_as(&self, wanted: &DataType) -> Option<(String, &Self, DataType)> {
        let inside = |path: &str, found: Option<(String, _, _)>| {
            found.map(|(below, found, wanted)| (format!("{path}{below}"), found, wanted))
        };
        match (self, wanted) {
            (Self::Null, _) => None,
            (Self::List(element), DataType::List(field)) => {
                inside(".[]", element.misfit_as(field.data_type()))
            }
            (Self::Object(_), DataType::Struct(fields)) => inside(".", self.misfit_in(fields.iter())),
            (Self::Object(entries), DataType::Map(field, _)) => {
                let DataType::Struct(entry) = field.data_type() else { return None };
                let value = entry.get(1)?.data_type();
                entries.iter().find_map(|(key, shape)| inside(&format!(".{key}"), shape.misfit_as(value)))
            }
            _ if self.may_be(wanted) => None,
            _ => Some((String::new(), self, wanted.clone())),
        }
    }

    /// Whether such a value can be one of a type without parts. Numbers may be written as texts.
    fn may_be(&self, wanted: &DataType) -> bool {
        match self {
            Self::Boolean => *wanted == DataType::Boolean,
            Self::Integer | Self::Huge => wanted.is_numeric(),
            Self::Float => wanted.is_numeric() && !wanted.is_integer(),
            Self::Text(_) => !wanted.is_nested() && *wanted != DataType::Boolean,
            Self::Null | Self::List(_) | Self::Object(_) => false,
        }
    }

    /// Where an integer is that no integer type holds, as long as nobody says which type holds it.
    pub(crate) fn huge(&self) -> Option<String> {
        match self {
            Self::Huge => Some(String::new()),
            Self::List(element) => element.huge().map(|path| format!(".[]{path}")),
            Self::Object(fields) => {
                fields.iter().find_map(|(name, shape)| Some(format!(".{name}{}", shape.huge()?)))
            }
            Self::Null | Self::Boolean | Self::Integer | Self::Float | Self::Text(_) => None,
        }
    }

    /// The names of the fields of rows of this shape.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let fields = match self {
            Self::Object(fields) => fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|(name, _)| name.as_str())
    }

    /// A field of rows of this shape.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find_map(|(known, shape)| (known == name).then_some(shape))
    }

    /// The columns of rows of this shape; nothing if it is none of a row.
    pub(crate) fn columns(&self) -> Option<Vec<FieldRef>> {
        let Self::Object(fields) = self else { return None };
        Some(fields.iter().map(|(name, shape)| Arc::new(Field::new(name, shape.data_type(), true))).collect())
    }

    /// The Arrow type. What was never seen is a text.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Utf8View,
            Self::Text(kind) => kind.data_type(),
            Self::Boolean => DataType::Boolean,
            Self::Integer | Self::Huge => DataType::Int64,
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

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        match i64::try_from(value) {
            Ok(_) => Ok(Shape::Integer),
            Err(_) => Ok(Shape::Huge),
        }
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Float)
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text(Kind::of_time(text)))
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
            if name.is_empty() {
                return Err(A::Error::custom("one of its fields has no name"));
            }
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("the field `{name}` is there twice")));
            }
            fields.push((name, shape));
        }
        Ok(Shape::Object(fields))
    }
}
