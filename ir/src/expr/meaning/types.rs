//! Types in CAST and before literals.

use sqlparser::ast::{ArrayElemTypeDef, DataType, ExactNumberInfo, StructField, TimezoneInfo};

use super::{Walk, clauses};

impl Walk {
    pub(super) fn data_type(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Boolean
            | DataType::Bool
            | DataType::Real
            | DataType::Float4
            | DataType::Float8
            | DataType::DoublePrecision
            | DataType::Float(ExactNumberInfo::None)
            | DataType::Double(ExactNumberInfo::None)
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Text
            | DataType::Char(None)
            | DataType::Varchar(None)
            | DataType::String(None)
            | DataType::Bytea
            | DataType::Date
            | DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | DataType::Timestamp(None | Some(0 | 3 | 6 | 9), _)
            | DataType::Interval { fields: None, precision: None } => {}
            // The number in `INT(11)` is a width for printing, it does not change a value.
            DataType::TinyInt(_)
            | DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Integer(_)
            | DataType::Int4(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
            | DataType::TinyIntUnsigned(_)
            | DataType::SmallIntUnsigned(_)
            | DataType::Int2Unsigned(_)
            | DataType::IntUnsigned(_)
            | DataType::IntegerUnsigned(_)
            | DataType::Int4Unsigned(_)
            | DataType::BigIntUnsigned(_)
            | DataType::Int8Unsigned(_) => {}
            DataType::Char(Some(_)) | DataType::Varchar(Some(_)) | DataType::String(Some(_)) => {
                self.refuse(&clauses::TEXT_LENGTH);
            }
            DataType::Float(ExactNumberInfo::Precision(_) | ExactNumberInfo::PrecisionAndScale(..))
            | DataType::Double(ExactNumberInfo::Precision(_) | ExactNumberInfo::PrecisionAndScale(..)) => {
                self.refuse(&clauses::FLOAT_PRECISION);
            }
            DataType::Array(
                ArrayElemTypeDef::AngleBracket(element) | ArrayElemTypeDef::SquareBracket(element, _),
            ) => self.data_type(element),
            DataType::Struct(fields, _) => {
                for StructField { field_name, field_type, options } in fields {
                    field_name.iter().for_each(|name| self.ident(name));
                    self.data_type(field_type);
                    self.refuse_if(options.is_some(), &clauses::FIELD_OPTIONS);
                }
            }
            other => self.refused_type(other),
        }
    }

    /// Types the engine has no counterpart of.
    fn refused_type(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Array(ArrayElemTypeDef::None | ArrayElemTypeDef::Parenthesis(_))
            | DataType::Time(..)
            | DataType::Timestamp(..)
            | DataType::Interval { .. }
            | DataType::Table(_)
            | DataType::NamedTable { .. }
            | DataType::Character(_)
            | DataType::CharacterVarying(_)
            | DataType::CharVarying(_)
            | DataType::Nvarchar(_)
            | DataType::Uuid
            | DataType::CharacterLargeObject(_)
            | DataType::CharLargeObject(_)
            | DataType::Clob(_)
            | DataType::Binary(_)
            | DataType::Varbinary(_)
            | DataType::Blob(_)
            | DataType::TinyBlob
            | DataType::MediumBlob
            | DataType::LongBlob
            | DataType::Bytes(_)
            | DataType::DecimalUnsigned(_)
            | DataType::BigNumeric(_)
            | DataType::BigDecimal(_)
            | DataType::Dec(_)
            | DataType::DecUnsigned(_)
            | DataType::FloatUnsigned(_)
            | DataType::UTinyInt
            | DataType::USmallInt
            | DataType::MediumInt(_)
            | DataType::MediumIntUnsigned(_)
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Int128
            | DataType::Int256
            | DataType::HugeInt
            | DataType::UHugeInt
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::UInt128
            | DataType::UInt256
            | DataType::UBigInt
            | DataType::Signed
            | DataType::SignedInteger
            | DataType::Unsigned
            | DataType::UnsignedInteger
            | DataType::Float32
            | DataType::Float64
            | DataType::RealUnsigned
            | DataType::DoubleUnsigned(_)
            | DataType::DoublePrecisionUnsigned
            | DataType::Date32
            | DataType::Datetime(_)
            | DataType::Datetime64(..)
            | DataType::TimestampNtz(_)
            | DataType::JSON
            | DataType::JSONB
            | DataType::Regclass
            | DataType::TinyText
            | DataType::MediumText
            | DataType::LongText
            | DataType::FixedString(_)
            | DataType::Bit(_)
            | DataType::BitVarying(_)
            | DataType::VarBit(_)
            | DataType::Custom(..)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::Nested(_)
            | DataType::Enum(..)
            | DataType::Set(_)
            | DataType::Union(_)
            | DataType::Nullable(_)
            | DataType::LowCardinality(_)
            | DataType::Unspecified
            | DataType::Trigger
            | DataType::AnyType
            | DataType::GeometricType(_)
            | DataType::TsVector
            | DataType::TsQuery => self.refuse(&clauses::TYPE),
            // These are taken above.
            DataType::Boolean
            | DataType::Bool
            | DataType::Real
            | DataType::Float4
            | DataType::Float8
            | DataType::DoublePrecision
            | DataType::Float(_)
            | DataType::Double(_)
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Text
            | DataType::Char(_)
            | DataType::Varchar(_)
            | DataType::String(_)
            | DataType::Bytea
            | DataType::Date
            | DataType::TinyInt(_)
            | DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Integer(_)
            | DataType::Int4(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
            | DataType::TinyIntUnsigned(_)
            | DataType::SmallIntUnsigned(_)
            | DataType::Int2Unsigned(_)
            | DataType::IntUnsigned(_)
            | DataType::IntegerUnsigned(_)
            | DataType::Int4Unsigned(_)
            | DataType::BigIntUnsigned(_)
            | DataType::Int8Unsigned(_)
            | DataType::Array(_)
            | DataType::Struct(..) => {}
        }
    }
}
