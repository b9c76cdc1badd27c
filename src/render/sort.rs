//! `--sort-by`: items in the order of one of their fields, whatever they are printed as.

use std::cmp::Ordering;

use serde_json::Value;

use super::jsonpath::JsonPath;

/// The field that items are put in the order of, as kubectl's flag of this name has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SortBy {
    text: String,
    path: JsonPath,
}

/// The words of severities, the most severe first.
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// What one item is ordered by. What has no such field comes first, as for kubectl.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    None,
    /// The most severe first: by their letters they would be in no order at all.
    Severity(usize),
    Bool(bool),
    Number(f64),
    Text(String),
}

impl SortBy {
    /// Reads a path such as `.severity`.
    ///
    /// # Errors
    /// When it is none, in words.
    pub fn parse(text: &str) -> Result<SortBy, String> {
        Ok(SortBy { text: text.to_owned(), path: JsonPath::relaxed(text)? })
    }

    /// For each place the item that comes there. Items of equal fields stay as they are.
    ///
    /// # Errors
    /// When no item has the field, or it holds what has no order.
    pub(super) fn order(&self, items: &[Value]) -> Result<Vec<usize>, String> {
        let keys = items.iter().map(|item| self.key(item)).collect::<Result<Vec<_>, String>>()?;
        if !keys.is_empty() && keys.iter().all(|key| *key == Key::None) {
            return Err(format!("no item has a field `{}` to sort by; -o json shows what they have", self.text));
        }
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by(|&a, &b| keys[a].compare(&keys[b]));
        Ok(order)
    }

    fn key(&self, item: &Value) -> Result<Key, String> {
        let found = self.path.find(item)?;
        let Some(found) = found.first().and_then(|found| found.first()) else { return Ok(Key::None) };
        let severity = |text: &str| SEVERITIES.iter().position(|severity| *severity == text);
        Ok(match &*found.value {
            Value::Null => Key::None,
            Value::Bool(value) => Key::Bool(*value),
            Value::Number(number) => Key::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => severity(text).map_or_else(|| Key::Text(text.clone()), Key::Severity),
            nested => {
                let level = nested.get("level").and_then(Value::as_str).and_then(severity);
                level.map(Key::Severity).ok_or_else(|| {
                    format!("`{}` holds a list or an object, which have no order; name a field in it", self.text)
                })?
            }
        })
    }
}

impl Key {
    fn rank(&self) -> u8 {
        match self {
            Key::None => 0,
            Key::Severity(_) => 1,
            Key::Bool(_) => 2,
            Key::Number(_) => 3,
            Key::Text(_) => 4,
        }
    }

    fn compare(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Severity(a), Key::Severity(b)) => a.cmp(b),
            (Key::Bool(a), Key::Bool(b)) => a.cmp(b),
            (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn items_come_in_the_order_of_a_field() {
        let items = [
            json!({"name": "b", "n": 10, "severity": "low", "deep": {"level": "high"}, "list": []}),
            json!({"name": "a", "n": 9, "severity": "critical", "deep": {"level": "critical"}}),
            json!({"name": "c", "severity": "low", "deep": {"level": "info"}}),
        ];
        let order = |path: &str| SortBy::parse(path).unwrap().order(&items);
        assert_eq!(order(".name"), Ok(vec![1, 0, 2]));
        assert_eq!(order("{.n}"), Ok(vec![2, 1, 0]), "what has no field comes first, and 9 before 10");
        assert_eq!(order("severity"), Ok(vec![1, 0, 2]), "the most severe first, equal ones as they were");
        assert_eq!(order(".deep"), Ok(vec![1, 0, 2]));
        assert_eq!(order(".deep.level"), Ok(vec![1, 0, 2]));
        assert!(order(".nowhere").unwrap_err().starts_with("no item has a field `.nowhere`"));
        assert!(order(".list").unwrap_err().starts_with("`.list` holds a list or an object"));
        assert_eq!(SortBy::parse(".nowhere").unwrap().order(&[]), Ok(vec![]));
        assert!(SortBy::parse("{a}{b}").is_err());
    }
}
