//! JSON schemas for the API's description. Values of enums come from the enums, so a new value is
//! included automatically.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::fleet::model::label_value::Variants;

/// A schema of the values of an enum.
pub(crate) fn one_of<V: Variants>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": names::<V>() })
}

/// A schema of the values of an enum, or null.
pub(crate) fn one_of_or_null<V: Variants>(_: &mut SchemaGenerator) -> Schema {
    let mut values: Vec<_> = names::<V>().into_iter().map(Some).collect();
    values.push(None);
    json_schema!({ "type": ["string", "null"], "enum": values })
}

/// A schema of the values of an enum, or of a value that a newer Coder has added.
pub(crate) fn one_of_or_later<V: Variants>(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "examples": names::<V>() })
}

/// A schema of an object with a number for each value of an enum. A newer Coder may add values.
pub(crate) fn count_of_each<V: Variants>(_: &mut SchemaGenerator) -> Schema {
    let mut schema = json_schema!({ "type": "object" });
    describe_counts::<V>(&mut schema);
    schema
}

/// A schema as [`count_of_each`], or null.
pub(crate) fn count_of_each_or_null<V: Variants>(_: &mut SchemaGenerator) -> Schema {
    let mut schema = json_schema!({ "type": ["object", "null"] });
    describe_counts::<V>(&mut schema);
    schema
}

fn describe_counts<V: Variants>(schema: &mut Schema) {
    let count = json_schema!({ "type": "integer", "minimum": 0 });
    let names = names::<V>();
    let properties = names.iter().map(|name| ((*name).to_owned(), count.clone()));
    let properties: serde_json::Map<_, _> = properties
        .map(|(name, count)| (name, count.to_value()))
        .collect();
    schema.insert("properties".into(), properties.into());
    schema.insert("required".into(), names.into());
    schema.insert("additionalProperties".into(), count.into());
}

fn names<V: Variants>() -> Vec<&'static str> {
    V::ALL.iter().map(|it| it.as_str()).collect()
}
