//! The parts of lists, maps and kinds, as serde asks for them.

use serde::de::{
    self, DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::document::{Key, Node};
use super::problem::Place;
use super::read_error::ReadError;

/// The entries of a list.
pub(super) struct Items<'de>(pub(super) std::slice::Iter<'de, Node>);

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
pub(super) struct Entries<'de> {
    entries: std::slice::Iter<'de, (Key, Node)>,
    without: Option<&'de str>,
    current: Option<&'de (Key, Node)>,
}

impl<'de> Entries<'de> {
    pub(super) fn new(entries: &'de [(Key, Node)], without: Option<&'de str>) -> Self {
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

/// Of which kind something is, and its options.
pub(super) struct Variant<'de> {
    pub(super) name: &'de str,
    pub(super) place: Place,
    pub(super) content: Content<'de>,
}

/// The options of a kind.
pub(super) enum Content<'de> {
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
