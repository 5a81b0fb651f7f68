//! Serde over the tree of a file. Errors come back with the place they belong to.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor, value::StrDeserializer,
};
use serde::forward_to_deserialize_any;

use super::document::{Key, Node, Value};
use super::problem::Place;
use super::suggestion::suggest;

/// Why a value could not be read. `place` is filled in on the way out, by the first
/// key or value that the error passes.
#[derive(Debug, Clone)]
pub(crate) struct ReadError {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
    pub(crate) remedy: String,
    /// A missing key has no place of its own: that of the key above it is right.
    above: bool,
}

impl ReadError {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            remedy: remedy.into(),
            above: false,
        }
    }

    fn at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    /// Fills in the place, on the way out through an entry of a map.
    fn under(self, key: &Key, value: &Node) -> Self {
        let place = if self.above { key.place } else { value.place };
        self.at(place)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    /// What the values of `dragoman-settings` say is "what is wrong; what to do".
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        match text.split_once("; ") {
            Some((message, remedy)) => Self::new(message, remedy),
            None => Self::new(text, ""),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            format!("unknown key `{field}`"),
            suggest(field, expected.iter().copied()),
        )
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            format!("`{variant}` is none of those that there are"),
            suggest(variant, expected.iter().copied()),
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            above: true,
            ..Self::new(
                format!("the key `{field}` is missing"),
                format!("add `{field}:` under this"),
            )
        }
    }

    /// Says what kind of value was found and never the value: it may be a secret.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Map => "keys and values",
            Unexpected::Seq => "a list",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) => "text",
            Unexpected::Bytes(_)
            | Unexpected::NewtypeStruct
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => "something else",
        };
        Self::new(
            format!("here stands {found}, and expected is {expected}"),
            "look it up in docs/configuration.md, or let your editor help: `dragoman schema --help`",
        )
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => {
                Self::new(format!("this number is not {expected}"), "correct it")
            }
            other => Self::invalid_type(other, expected),
        }
    }
}

/// Reads a value of type `T` out of a node.
///
/// # Errors
/// The first thing in it that is wrong.
pub(crate) fn read<'de, T: de::Deserialize<'de>>(
    key: &'de Key,
    node: &'de Node,
) -> Result<T, ReadError> {
    T::deserialize(node).map_err(|error| error.under(key, node))
}

impl Node {
    fn scalar(&self, expected: &str) -> Result<&str, ReadError> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Ok(text.as_str()),
            Value::Scalar { .. } => Err(ReadError::new(
                format!("nothing is written here, and expected is {expected}"),
                "write a value after the colon, or remove the key",
            )),
            Value::List(_) => Err(ReadError::invalid_type(Unexpected::Seq, &expected)),
            Value::Map(_) => Err(ReadError::invalid_type(Unexpected::Map, &expected)),
        }
        .map_err(|error| error.at(self.place))
    }

    fn number<T: std::str::FromStr>(&self, expected: &str) -> Result<T, ReadError> {
        // Numbers come from the environment as well as text does; text is resolved by
        // the types that want it.
        let text = dragoman_settings::resolve(self.scalar(expected)?)
            .map_err(|error| ReadError::custom(error).at(self.place))?;
        text.parse().map_err(|_| {
            ReadError::new(
                format!("`{text}` is not {expected}"),
                format!("write {expected}"),
            )
            .at(self.place)
        })
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            visitor
                .$visit(self.number::<$type>($expected)?)
                .map_err(|error: ReadError| error.at(self.place))
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.value {
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Scalar { .. } if self.is_null() => visitor.visit_unit(),
            Value::Scalar { text, plain: false } => visitor.visit_str(text),
            Value::Scalar { text, plain: true } => {
                if let Ok(number) = text.parse::<i64>() {
                    visitor.visit_i64(number)
                } else if let Ok(truth) = text.parse::<bool>() {
                    visitor.visit_bool(truth)
                } else {
                    visitor.visit_str(text)
                }
            }
        }
        .map_err(|error: ReadError| error.at(self.place))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor
            .visit_str(self.scalar("text")?)
            .map_err(|error: ReadError| error.at(self.place))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    numbers! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "a whole number, not negative";
        deserialize_u64 visit_u64 u64, "a whole number, not negative";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let items = match &self.value {
            Value::List(items) => items.as_slice(),
            Value::Scalar { .. } if self.is_null() => &[],
            Value::Scalar { .. } | Value::Map(_) => {
                return Err(ReadError::new(
                    "a list is expected here",
                    "write it in brackets, [a, b], or one entry a line, each after `- `",
                )
                .at(self.place));
            }
        };
        visitor
            .visit_seq(Items(items.iter()))
            .map_err(|error: ReadError| error.at(self.place))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let entries = match &self.value {
            Value::Map(entries) => entries.as_slice(),
            Value::Scalar { .. } if self.is_null() => &[],
            Value::Scalar { .. } | Value::List(_) => {
                return Err(ReadError::new(
                    "keys and values are expected here",
                    "write them as `key: value`, one a line and indented, or in braces",
                )
                .at(self.place));
            }
        };
        visitor.visit_map(Entries::new(entries, None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.value {
            Value::Scalar { .. } => visitor.visit_enum(Variant {
                name: self.scalar("a name")?,
                place: self.place,
                content: Content::Nothing,
            }),
            Value::Map(entries) => {
                let tag = entries
                    .iter()
                    .find(|(key, _)| matches!(key.name.as_str(), "kind" | "scheme"));
                let Some((key, value)) = tag else {
                    return Err(ReadError {
                        above: true,
                        ..ReadError::new(
                            "it is not said of which kind this is",
                            format!(
                                "add `kind:` (or `scheme:`) with one of {}",
                                variants.join(", ")
                            ),
                        )
                    });
                };
                visitor.visit_enum(Variant {
                    name: value.scalar("a name")?,
                    place: value.place,
                    content: Content::Beside {
                        entries,
                        tag: &key.name,
                    },
                })
            }
            Value::List(_) => {
                Err(ReadError::invalid_type(Unexpected::Seq, &"a name").at(self.place))
            }
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple_struct
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        self.0
            .next()
            .map(|node| seed.deserialize(node).map_err(|error| error.at(node.place)))
            .transpose()
    }
}

/// The entries of a map, but for the key that said which kind it is.
struct Entries<'de> {
    entries: std::slice::Iter<'de, (Key, Node)>,
    without: Option<&'de str>,
    current: Option<&'de (Key, Node)>,
}

impl<'de> Entries<'de> {
    fn new(entries: &'de [(Key, Node)], without: Option<&'de str>) -> Self {
        Self {
            entries: entries.iter(),
            without,
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let without = self.without;
        self.current = self
            .entries
            .find(|(key, _)| Some(key.name.as_str()) != without);
        self.current
            .map(|(key, _)| {
                seed.deserialize(StrDeserializer::<ReadError>::new(&key.name))
                    .map_err(|error| error.at(key.place))
            })
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, value) = self
            .current
            .ok_or_else(|| ReadError::custom("a value was asked for before its key"))?;
        seed.deserialize(value)
            .map_err(|error| error.under(key, value))
    }
}

struct Variant<'de> {
    name: &'de str,
    place: Place,
    content: Content<'de>,
}

enum Content<'de> {
    /// The name alone.
    Nothing,
    /// The other keys of the map that names the kind.
    Beside {
        entries: &'de [(Key, Node)],
        tag: &'de str,
    },
}

impl<'de> Content<'de> {
    fn entries(self) -> Entries<'de> {
        match self {
            Self::Nothing => Entries::new(&[], None),
            Self::Beside { entries, tag } => Entries::new(entries, Some(tag)),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ReadError;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Content<'de>), ReadError> {
        let name = seed
            .deserialize(StrDeserializer::<ReadError>::new(self.name))
            .map_err(|error| error.at(self.place))?;
        Ok((name, self.content))
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        let mut entries = self.entries();
        let without = entries.without;
        match entries
            .entries
            .find(|(key, _)| Some(key.name.as_str()) != without)
        {
            None => Ok(()),
            Some((key, _)) => Err(ReadError::unknown_field(&key.name, &[]).at(key.place)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(de::value::MapAccessDeserializer::new(self.entries()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::custom("a list of values has no kind"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(self.entries())
    }
}
