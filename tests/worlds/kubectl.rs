//! What the printed commands do, on objects in memory: the few forms of `kubectl` that remedies use, read as a shell reads them.

use serde_json::Value;

/// Runs a command on objects.
pub(crate) fn run(objects: &mut Vec<Value>, command: &str) -> Result<(), String> {
    let words = words(command)?;
    let mut plain: Vec<&str> = Vec::new();
    let (mut namespace, mut patch, mut only_names) = (None, None, false);
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            word if only_names => plain.push(word),
            "--" => only_names = true,
            "-n" => namespace = rest.next(),
            "-p" => patch = rest.next(),
            "--type=json" | "--overwrite" => {}
            flag if flag.starts_with('-') => return Err(format!("{flag} is not understood here")),
            word => plain.push(word),
        }
    }
    match (plain.as_slice(), patch) {
        (["kubectl", "delete", kind, name], None) => {
            let at = find(objects, kind, namespace, name)?;
            objects.remove(at);
            Ok(())
        }
        (["kubectl", "patch", kind, name], Some(patch)) => {
            let at = find(objects, kind, namespace, name)?;
            json_patch(&mut objects[at], &serde_json::from_str(patch).map_err(|error| error.to_string())?)
        }
        (["kubectl", "label", "namespace", name, label], None) => {
            let at = find(objects, "namespace", None, name)?;
            let (key, value) = label.split_once('=').ok_or("a label has a value")?;
            objects[at]["metadata"]["labels"][key] = value.into();
            Ok(())
        }
        (other, _) => Err(format!("{other:?} is not understood here")),
    }
}

/// The words of a simple command of a POSIX shell, with nothing in it that a shell would do more with.
pub(crate) fn words(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\'') => break,
                        Some(letter) => word.push(letter),
                        None => return Err("a quote is not closed".to_owned()),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            letter if letter.is_ascii_alphanumeric() || "-._:/=".contains(letter) => {
                word.get_or_insert_default().push(letter);
            }
            letter => return Err(format!("a shell may do something with {letter:?} in {command}")),
        }
    }
    words.extend(word);
    Ok(words)
}

fn find(objects: &[Value], kind: &str, namespace: Option<&str>, name: &str) -> Result<usize, String> {
    let is = |object: &Value| {
        object["kind"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(kind))
            && object["metadata"]["name"] == name
            && object["metadata"]["namespace"].as_str() == namespace
    };
    objects.iter().position(is).ok_or(format!("there is no {kind} {name} in {namespace:?}"))
}

/// RFC 6902, as far as it is used: `test`, `remove`, `replace` and `add` in lists, by paths without escapes.
fn json_patch(object: &mut Value, patch: &Value) -> Result<(), String> {
    for operation in patch.as_array().ok_or("a patch is a list")? {
        let path = operation["path"].as_str().ok_or("no path")?;
        let (parent, last) = path.rsplit_once('/').ok_or("no path")?;
        let found = object.pointer_mut(parent).ok_or(format!("{path} is not there"))?;
        let value = operation["value"].clone();
        match (operation["op"].as_str(), found) {
            (Some("test"), found) => {
                let own = match &*found {
                    Value::Array(list) => last.parse::<usize>().ok().and_then(|at| list.get(at)),
                    other => other.get(last),
                };
                if own != Some(&value) {
                    return Err(format!("{path} is {own:?} and not {value}"));
                }
            }
            (Some("remove"), Value::Array(list)) => {
                list.remove(last.parse().map_err(|_| "no place")?);
            }
            (Some("replace"), Value::Array(list)) => {
                let at: usize = last.parse().map_err(|_| "no place")?;
                *list.get_mut(at).ok_or("no place")? = value;
            }
            (Some("add"), Value::Array(list)) => list.insert(last.parse().map_err(|_| "no place")?, value),
            (other, _) => return Err(format!("{other:?} is not understood here")),
        }
    }
    Ok(())
}
