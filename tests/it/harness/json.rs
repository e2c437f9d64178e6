//! JSON, as a client reads it.

use std::collections::BTreeSet;

use serde_json::Value;

/// The names of all fields, as `a.b` and `a[].b`, without their values.
pub(crate) fn keys(json: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    collect_keys("", json, &mut found);
    found.into_iter().collect()
}

fn collect_keys(path: &str, json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = match path {
                    "" => name.clone(),
                    _ => format!("{path}.{name}"),
                };
                found.insert(path.clone());
                collect_keys(&path, value, found);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect_keys(&format!("{path}[]"), value, found);
            }
        }
        _ => {}
    }
}

/// Reads it, or fails with what it is.
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
