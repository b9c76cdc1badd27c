//! The smallest world and question that still show a difference: whatever can go without the difference going, goes.

use serde_json::Value;

use super::{World, is_default};

/// How many times the question may be put again. A server answers some ten worlds a second.
const TRIES: usize = 3000;

/// Takes away objects, then everything inside of them, as long as `differs` still says yes.
pub(crate) fn smallest(
    world: &World,
    review: &Value,
    differs: &mut dyn FnMut(&World, &Value) -> bool,
) -> (World, Value) {
    let mut tries = TRIES;
    let mut differs = |world: &World, review: &Value| {
        tries = tries.saturating_sub(1);
        tries > 0 && is_answered(review) && differs(world, review)
    };
    let (mut world, mut review) = (world.clone(), review.clone());
    loop {
        let before = (world.clone(), review.clone());
        fewer_objects(&mut world, &mut |world| differs(world, &review));
        for at in (0..world.objects.len()).filter(|&at| !is_default(&world.objects[at])).collect::<Vec<_>>() {
            let mut object = world.objects[at].clone();
            smaller(&mut object, &mut |object| {
                let mut world = world.clone();
                world.objects[at] = object.clone();
                differs(&world, &review)
            });
            world.objects[at] = object;
        }
        smaller(&mut review, &mut |review| differs(&world, review));
        if before == (world.clone(), review.clone()) {
            return (world, review);
        }
    }
}

/// Whether it is a question at all: a server refuses others.
fn is_answered(review: &Value) -> bool {
    let spec = &review["spec"];
    let local = review["kind"] == "LocalSubjectAccessReview";
    let somebody = !spec["user"].is_null() || spec["groups"].as_array().is_some_and(|groups| !groups.is_empty());
    let something = spec["resourceAttributes"].is_object() != spec["nonResourceAttributes"].is_object();
    somebody && something && (!local || spec["resourceAttributes"]["namespace"] == review["metadata"]["namespace"])
}

/// Drops objects: half of them, a quarter, and so on to single ones. What a server has by itself stays.
fn fewer_objects(world: &mut World, differs: &mut dyn FnMut(&World) -> bool) {
    world.objects.sort_by_key(|object| !is_default(object));
    let first = world.objects.iter().take_while(|object| is_default(object)).count();
    let mut size = (world.objects.len() - first).div_ceil(2);
    while size > 0 {
        let mut at = first;
        while at < world.objects.len() {
            let mut fewer = world.clone();
            fewer.objects.drain(at..(at + size).min(world.objects.len()));
            if differs(&fewer) {
                *world = fewer;
            } else {
                at += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
}

/// Drops entries of lists and fields, the outer ones first.
fn smaller(value: &mut Value, differs: &mut dyn FnMut(&Value) -> bool) {
    let mut at = 0;
    loop {
        // Counted anew each time: what is dropped takes its inside along.
        let mut paths = Vec::new();
        removable(value, &mut Vec::new(), &mut paths);
        paths.sort_by_key(Vec::len);
        let Some(path) = paths.get(at) else { return };
        let mut less = value.clone();
        remove(&mut less, path);
        if differs(&less) { *value = less } else { at += 1 }
    }
}

/// What an object cannot do without.
const KEPT: &[&str] = &["apiVersion", "kind", "metadata", "name", "namespace", "roleRef", "spec"];

fn removable(value: &Value, here: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        _ => return,
    };
    for (key, value_inside) in inside {
        // The name and the namespace of a question may go, those of an object may not.
        let kept = KEPT.contains(&&*key) && here.last().is_none_or(|last| !last.ends_with("Attributes"));
        here.push(key);
        if !kept || value.is_array() {
            paths.push(here.clone());
        }
        removable(value_inside, here, paths);
        here.pop();
    }
}

fn remove(value: &mut Value, path: &[String]) {
    let Some((key, rest)) = path.split_first() else { return };
    match value {
        Value::Array(list) => {
            let at: usize = key.parse().unwrap();
            if rest.is_empty() { drop(list.remove(at)) } else { remove(&mut list[at], rest) }
        }
        Value::Object(fields) if rest.is_empty() => drop(fields.remove(key)),
        Value::Object(fields) => remove(fields.get_mut(key).unwrap(), rest),
        _ => {}
    }
}

/// World and question as YAML documents, which JSON lines are; without what a server has by itself.
pub(crate) fn text(world: &World, review: &Value) -> String {
    let objects = world.objects.iter().filter(|object| !is_default(object)).chain([review]);
    let documents: Vec<String> = objects.map(Value::to_string).collect();
    format!("# --authorization-mode={}\n{}\n", world.mode.flag(), documents.join("\n---\n"))
}
