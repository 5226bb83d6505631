//! JSON in which no member stands twice.
//!
//! Invariant: of two members of one name neither is taken: what a sender lost that way is told, not passed over.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How `serde_json` hands over numbers that keep all their digits.
pub const NUMBER: &str = "$serde_json::private::Number";

/// A value without such members.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique(pub Value);

/// The mistake.
pub fn twice<E: Error>(name: &str) -> E {
    E::custom(format!("the member {name} stands there twice"))
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree).map(Self)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, said: bool) -> Result<Value, E> {
        Ok(Value::from(said))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Value, E> {
        Number::from_i128(number).map(Value::Number).ok_or_else(|| E::custom("the number is too large"))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Value, E> {
        Number::from_u128(number).map(Value::Number).ok_or_else(|| E::custom("the number is too large"))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.is_empty() && name == NUMBER {
                let digits: String = map.next_value()?;
                return digits.parse::<Number>().map(Value::Number).map_err(Error::custom);
            }
            if members.contains_key(&name) {
                return Err(twice(&name));
            }
            let Unique(value) = map.next_value()?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_is_read_as_it_is() {
        let text = r#"{"a": [null, true, -7, 1.10, 99999999999999999999, -99999999999999999999, 123456789012345678901234567890123456789012345, 1e400, "x\u00e4", {}], "b": {"c": {"d": ""}}}"#;
        let Unique(value) = serde_json::from_str(text).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(Unique::deserialize(&value).unwrap().0, value);
    }

    #[test]
    fn a_member_that_stands_there_twice_is_told_with_its_place() {
        for text in [r#"{"a": 1, "a": 1}"#, r#"{"x": [{"b": {"a": 1, "c": 2, "a": 3}}]}"#] {
            let error = serde_json::from_str::<Unique>(text).unwrap_err();
            assert!(
                error.to_string().contains("the member a stands there twice") && error.column() > 5,
                "{error}"
            );
        }
        assert_eq!(
            serde_json::from_str::<Unique>(r#"[{"a": 1}, {"a": 1}]"#).unwrap().0,
            json!([{"a": 1}, {"a": 1}])
        );
    }
}
