//! The selectors of a review's resource attributes: which fields must have which value. The rest of a selector counts for no
//! authorizer (kubernetes `pkg/registry/authorization/util`, `pkg/apis/authorization/validation`, apimachinery `fields`).

use serde::Deserialize;

use super::shape::{Text, list};

/// `fieldSelector` or `labelSelector`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct SelectorIn<'a> {
    raw_selector: Option<Text<'a>>,
    #[serde(deserialize_with = "list")]
    requirements: Vec<Requirement<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Requirement<'a> {
    key: Option<Text<'a>>,
    operator: Option<Text<'a>>,
    #[serde(deserialize_with = "list")]
    values: Vec<Text<'a>>,
}

impl Requirement<'_> {
    /// What the server refuses. An operator that it does not know is not among it.
    fn mistake(&self) -> Option<&'static str> {
        match self.operator.as_deref() {
            _ if self.key.as_deref().unwrap_or_default().is_empty() => Some("every requirement needs a `key`"),
            Some("In" | "NotIn") if self.values.is_empty() => Some("`In` and `NotIn` need `values`"),
            Some("Exists" | "DoesNotExist") if !self.values.is_empty() => {
                Some("`Exists` and `DoesNotExist` take no `values`")
            }
            _ => None,
        }
    }
}

impl SelectorIn<'_> {
    fn raw(&self) -> &str {
        self.raw_selector.as_deref().unwrap_or_default()
    }

    /// What the server refuses with 422, in one line.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        match (self.raw().is_empty(), self.requirements.is_empty()) {
            (false, false) => Some("`rawSelector` and `requirements` cannot stand together"),
            (true, true) => Some("one of `requirements` and `rawSelector` must be there"),
            _ => self.requirements.iter().find_map(Requirement::mistake),
        }
    }

    /// What the server refuses in a label selector besides.
    pub(super) fn label_mistake(&self) -> Option<&'static str> {
        let text = |text: &Option<Text<'_>>| text.as_deref().unwrap_or_default().to_owned();
        if self.requirements.iter().any(|one| !is_label_key(&text(&one.key))) {
            Some("a `key` is no name of a label")
        } else if self.requirements.iter().flat_map(|one| &one.values).any(|value| !is_label_value(value)) {
            Some("one of the `values` is no value of a label")
        } else {
            None
        }
    }

    /// The fields that must have a value, with it. A text that is no selector requires nothing, as on the server.
    pub(super) fn required(&self) -> Vec<(String, String)> {
        if self.requirements.is_empty() {
            return required_of_text(self.raw()).unwrap_or_default();
        }
        let required = |one: &Requirement<'_>| match (one.operator.as_deref(), one.values.as_slice()) {
            (Some("In"), [value]) => Some((one.key.as_deref().unwrap_or_default().to_owned(), value.to_string())),
            _ => None,
        };
        self.requirements.iter().filter_map(required).collect()
    }
}

/// `name` or `prefix.example/name` (apimachinery `IsQualifiedName`).
fn is_label_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.bytes().all(|byte| plain(byte) || byte == b'-')
            && part.bytes().next().is_some_and(plain)
            && part.bytes().last().is_some_and(plain)
    };
    !name.is_empty()
        && is_label_value(name)
        && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_part))
}

/// Empty, or at most 63 letters, digits, `-`, `_` and `.` with a letter or digit at both ends (apimachinery `IsValidLabelValue`).
fn is_label_value(value: &str) -> bool {
    let ends = [value.bytes().next(), value.bytes().last()];
    value.len() <= 63
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
}

/// Reads `a=b,c==d,e!=f`; none when it cannot be understood.
fn required_of_text(selector: &str) -> Option<Vec<(String, String)>> {
    let mut required = Vec::new();
    for term in terms(selector).into_iter().filter(|term| !term.is_empty()) {
        // The first operator divides, and of several at one place the longer one.
        let at = term.char_indices().map(|(at, _)| at).find(|&at| {
            let rest = &term[at..];
            rest.starts_with("!=") || rest.starts_with('=')
        })?;
        let (field, rest) = term.split_at(at);
        if let Some(value) = rest.strip_prefix("!=") {
            unescaped(value)?;
        } else {
            let value = rest.strip_prefix("==").or(rest.strip_prefix('='))?;
            required.push((field.to_owned(), unescaped(value)?));
        }
    }
    Some(required)
}

/// The parts between commas that no backslash stands before.
fn terms(selector: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, letter) in selector.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&selector[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[start..]);
    terms
}

fn unescaped(value: &str) -> Option<String> {
    let (mut text, mut escaped) = (String::with_capacity(value.len()), false);
    for letter in value.chars() {
        match (escaped, letter) {
            (true, '\\' | ',' | '=') => {
                text.push(letter);
                escaped = false;
            }
            (true, _) | (false, ',' | '=') => return None,
            (false, '\\') => escaped = true,
            (false, _) => text.push(letter),
        }
    }
    (!escaped).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(json: &str) -> String {
        let selector: SelectorIn<'_> = serde_json::from_str(json).unwrap();
        if let Some(mistake) = selector.mistake() {
            return mistake.to_owned();
        }
        let texts: Vec<String> = selector.required().iter().map(|(field, value)| format!("{field}={value}")).collect();
        texts.join(" ")
    }

    #[test]
    fn only_equality_requires_a_value() {
        for (json, expected) in [
            (r#"{"rawSelector": "spec.nodeName=n1"}"#, "spec.nodeName=n1"),
            (r#"{"rawSelector": "a==b,,c=d,e!=f"}"#, "a=b c=d"),
            (r#"{"rawSelector": "a=x\\,y\\=z"}"#, "a=x,y=z"),
            (r#"{"rawSelector": "a=b,c"}"#, ""),
            (r#"{"rawSelector": "a=b=c"}"#, ""),
            (r#"{"rawSelector": "a=b\\"}"#, ""),
            (r#"{"rawSelector": "a!=b"}"#, ""),
            (r#"{"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}"#, "a=b"),
            (r#"{"requirements": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}"#, ""),
            (r#"{"requirements": [{"key": "a", "operator": "NotIn", "values": ["b"]}], "rawSelector": null}"#, ""),
            (
                r#"{"requirements": [{"key": "a", "operator": "Exists"}, {"key": "c", "operator": "In", "values": ["d"]}]}"#,
                "c=d",
            ),
            ("{}", "one of `requirements` and `rawSelector` must be there"),
            (
                r#"{"requirements": [{"key": "a"}], "rawSelector": "a=b"}"#,
                "`rawSelector` and `requirements` cannot stand together",
            ),
        ] {
            assert_eq!(required(json), expected, "{json}");
        }
    }
}
