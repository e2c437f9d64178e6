//! YAML of an answer: each string is quoted as in JSON, which YAML reads, so no name can be taken for
//! anything else.

use serde_json::Value;

/// The value in block style.
pub(super) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => write_block(&mut out, value, 0),
        other => out += &format!("{other}\n"),
    }
    out
}

fn write_block(out: &mut String, value: &Value, indent: usize) {
    let space = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                *out += &format!("{space}{}:", key(name));
                write_value(out, value, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                if is_empty(item) || !(item.is_object() || item.is_array()) {
                    *out += &format!("{space}- {item}\n");
                    continue;
                }
                // The first field stands after the dash.
                let mut block = String::new();
                write_block(&mut block, item, indent + 2);
                *out += &format!("{space}- {}", &block[indent + 2..]);
            }
        }
        other => *out += &format!("{space}{other}\n"),
    }
}

fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(_) | Value::Array(_) if !is_empty(value) => {
            out.push('\n');
            write_block(out, value, indent);
        }
        other => *out += &format!(" {other}\n"),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A key as it is where it can be nothing else.
fn key(name: &str) -> String {
    let is_plain = name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_lowercase() || it == '_')
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&name);
    match is_plain {
        true => name.to_owned(),
        false => Value::from(name).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_as_what_it_was() {
        let value = serde_json::json!({
            "now": "2026-01-01T00:00:00Z",
            "none": null, "empty": {}, "nothing": [], "no": false, "": 1.5,
            "names": ["no", "1e3", "- a: b", "x\n\ty\u{202e}\u{7}", "", "世界 🦀 \"'\\"],
            "lists": [[1, [2, []]], [{"a": {"b": [{"c": 1, "d": [3]}]}}, {}]],
            "a key: with # signs": {"v2": -7},
        });
        let text = yaml(&value);
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value, "{text}");
        assert!(text.contains("now: \"2026-01-01T00:00:00Z\"\n"), "{text}");
        assert_eq!(yaml(&Value::Array(Vec::new())), "[]\n");
    }
}
