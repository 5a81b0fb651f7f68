//! Serde over the tree of a file. Errors come back with the place they belong to.

use serde::de::{self, Deserializer, Error as _, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::access::{Content, Entries, Items, Variant};
use super::document::{Key, Node, Value};
use super::read_error::ReadError;

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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::super::document::{Node, parse};
    use super::super::problem::{Place, Source};
    use super::super::read_error::ReadError;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Adapter {
        Api {},
        Webhook(Webhook),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Webhook {
        source: Option<String>,
        tries: Option<u8>,
        verify: Option<Box<Adapter>>,
        #[serde(default)]
        arrays: Vec<String>,
    }

    fn document(text: &str) -> Node {
        let source = Source {
            file: "x.yaml".into(),
            text: text.to_owned(),
        };
        let mut problems = Vec::new();
        let root = parse(&source, &mut problems).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        root
    }

    fn read_a<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
        let root = document(text);
        let (key, node) = root.entry("a").unwrap();
        super::read(key, node)
    }

    fn place_of(error: &ReadError) -> (usize, usize) {
        let Place { line, column, .. } = error.place.unwrap();
        (line, column)
    }

    #[test]
    fn a_kind_stands_beside_its_options() {
        assert_eq!(
            read_a::<Adapter>("a: { kind: api }").unwrap(),
            Adapter::Api {}
        );
        let text = "a:\n  source: 7\n  kind: webhook\n  arrays: [x, y]\n  tries: 3\n";
        assert_eq!(
            read_a::<Adapter>(text).unwrap(),
            Adapter::Webhook(Webhook {
                source: Some("7".to_owned()),
                tries: Some(3),
                verify: None,
                arrays: vec!["x".to_owned(), "y".to_owned()],
            })
        );
        assert_eq!(
            read_a::<Vec<Adapter>>("a: [{ kind: api }, api]")
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn mistakes_within_a_kind_keep_their_place() {
        for (text, place) in [
            ("a:\n  kind: webhook\n  sorce: x\n", (3, 3)),
            ("a:\n  kind: webhok\n", (2, 9)),
            ("a:\n  source: x\n", (1, 1)),
            ("a:\n  kind: webhook\n  tries: many\n", (3, 10)),
            ("a:\n  kind: webhook\n  tries: 300\n", (3, 10)),
            (
                "a:\n  kind: webhook\n  arrays:\n    - x\n    - {}\n",
                (5, 7),
            ),
            (
                "a:\n  kind: webhook\n  verify: { kind: api, b: 1 }\n",
                (3, 24),
            ),
        ] {
            let error = read_a::<Adapter>(text).unwrap_err();
            assert_eq!(place_of(&error), place, "{text}: {error}");
        }
    }

    #[test]
    fn a_value_is_found_by_the_path_of_its_keys() {
        let root = document("a:\n  b:\n    - c: 1\n    - c: 2\n  d: {}\n");
        let line = |path: &[&str]| root.locate(path.iter().copied()).line;
        assert_eq!(line(&["a", "b", "1", "c"]), 4);
        assert_eq!(line(&["a", "d", "not", "there"]), 5);
        assert_eq!(line(&["not"]), 1);
    }

    #[test]
    fn aliases_are_followed_and_a_file_cannot_multiply_itself() {
        let root = document("a: &x { c: 1 }\nb: *x\n");
        let (_, b) = root.entry("b").unwrap();
        assert!(b.entry("c").is_some());
        let mut text = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            let list = [before.as_str(); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        let source = Source {
            file: "x.yaml".into(),
            text,
        };
        assert!(parse(&source, &mut Vec::new()).is_err());
    }
}
