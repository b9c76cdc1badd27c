//! What a template finds in a value.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Found, Operator, Piece, Slice, Step, To};

/// What each piece finds, those of a range once for each of its values.
pub(super) fn find<'v>(pieces: &'v [Piece], at: &Found<'v>) -> Result<Vec<Vec<Found<'v>>>, String> {
    let mut all = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => all.push(vec![Found { value: Cow::Owned(Value::from(text.as_str())), written: true }]),
            Piece::Action(path) => all.push(follow(path, vec![at.clone()])?),
            Piece::Range(path, inner) => {
                for each in follow(path, vec![at.clone()])? {
                    all.extend(find(inner, &each)?);
                }
            }
        }
    }
    Ok(all)
}

/// Takes each step from what the one before it found.
fn follow<'v>(path: &'v [Step], from: Vec<Found<'v>>) -> Result<Vec<Found<'v>>, String> {
    path.iter().try_fold(from, |from, step| take(step, from))
}

fn take<'v>(step: &'v Step, from: Vec<Found<'v>>) -> Result<Vec<Found<'v>>, String> {
    match step {
        Step::Field(name) => Ok(from.into_iter().filter_map(|at| field(at, name)).collect()),
        Step::Wildcard => Ok(from.into_iter().flat_map(inside).collect()),
        Step::Below => {
            let mut found = Vec::new();
            from.into_iter().for_each(|at| below(at, &mut found));
            Ok(found)
        }
        Step::Slice(slice) => slices(*slice, from),
        Step::Filter { left, compared } => {
            let mut found = Vec::new();
            for list in from {
                let Value::Array(_) = &*list.value else {
                    return Err("a filter is for lists".to_owned());
                };
                for item in inside(list) {
                    if passes(left, compared.as_ref(), &item)? {
                        found.push(item);
                    }
                }
            }
            Ok(found)
        }
        Step::Union(paths) => {
            let mut found = Vec::new();
            for path in paths {
                found.extend(follow(path, from.clone())?);
            }
            Ok(found)
        }
        // A text stands for itself whatever was found; a number as often as something was.
        Step::Literal(value @ Value::String(_)) => Ok(vec![Found { value: Cow::Borrowed(value), written: true }]),
        Step::Literal(value) => Ok(from.iter().map(|_| Found { value: Cow::Borrowed(value), written: true }).collect()),
    }
}

fn field<'v>(at: Found<'v>, name: &str) -> Option<Found<'v>> {
    // Only texts and numbers are ever made here, and they have no fields.
    let Cow::Borrowed(value) = at.value else { return None };
    Some(Found { value: Cow::Borrowed(value.as_object()?.get(name)?), written: false })
}

/// The elements of a list, the fields of an object, and, as in Go, the bytes of a text.
fn inside(at: Found<'_>) -> Vec<Found<'_>> {
    let found = |value| Found { value, written: false };
    match at.value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(|item| found(Cow::Borrowed(item))).collect(),
        Cow::Borrowed(Value::Object(fields)) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            fields.into_values().map(|value| found(Cow::Borrowed(value))).collect()
        }
        text => match &*text {
            Value::String(text) => text.bytes().map(|byte| found(Cow::Owned(byte.into()))).collect(),
            _ => Vec::new(),
        },
    }
}

/// Everything that has something inside: the value itself, then each of its parts with all below. No deeper than the value is.
fn below<'v>(at: Found<'v>, found: &mut Vec<Found<'v>>) {
    let parts = inside(at.clone());
    if !parts.is_empty() {
        found.push(at);
        parts.into_iter().for_each(|part| below(part, found));
    }
}

fn slices<'v>(slice: Slice, from: Vec<Found<'v>>) -> Result<Vec<Found<'v>>, String> {
    let mut found = Vec::new();
    for at in from {
        let items = match &*at.value {
            Value::Null => continue,
            Value::Array(_) => inside(at),
            _ => return Err("only a list has elements by number".to_owned()),
        };
        let Some((start, end)) = bounds(slice, items.len())? else { return Ok(found) };
        let step = match slice.step {
            None => 1,
            Some(step) => {
                usize::try_from(step).ok().filter(|&step| step > 0).ok_or("the step of a slice is above 0")?
            }
        };
        found.extend(items.into_iter().skip(start).take(end - start).step_by(step));
    }
    Ok(found)
}

/// From where to where in a list of this length; nothing when a slice is empty.
fn bounds(slice: Slice, len: usize) -> Result<Option<(usize, usize)>, String> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let from = slice.from.unwrap_or(0);
    let start = if from < 0 { from + len } else { from };
    let end = match slice.to {
        // The last element ends where the list does.
        To::One if from == -1 => len,
        To::One if from < -1 => from + 1 + len,
        To::One => from + 1,
        To::End => len,
        To::Before(before) if before < 0 => before + len,
        To::Before(before) => before,
    };
    if start == end {
        return Ok(None);
    }
    let outside = |index: i64| Err(format!("element {index} is asked for, and the list has {len}"));
    if start < 0 || start >= len {
        return outside(start);
    }
    if end < 0 || end > len {
        return outside(end - 1);
    }
    if start > end {
        return Err(format!("a slice begins at {start} and ends before that, at {end}"));
    }
    let place = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(Some((place(start), place(end))))
}

fn passes<'v>(left: &'v [Step], compared: Option<&'v (Operator, Vec<Step>)>, item: &Found<'v>) -> Result<bool, String> {
    let lefts = follow(left, vec![item.clone()]);
    let Some((operator, right)) = compared else { return Ok(lefts.is_ok_and(|found| !found.is_empty())) };
    let (lefts, rights) = (lefts?, follow(right, vec![item.clone()])?);
    match (lefts.as_slice(), rights.as_slice()) {
        ([], _) | (_, []) => Ok(false),
        ([left], [right]) => compare(&left.value, *operator, &right.value),
        _ => Err("a filter compares one value with one".to_owned()),
    }
}

/// Whole numbers are compared with whole numbers, fractions with fractions, texts with texts; truth values are only equal or not.
fn compare(left: &Value, operator: Operator, right: &Value) -> Result<bool, String> {
    let is_whole = |number: &serde_json::Number| number.is_i64() || number.is_u64();
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => match operator {
            Operator::Equal => return Ok(left == right),
            Operator::NotEqual => return Ok(left != right),
            _ => return Err("true and false are neither more nor less than each other".to_owned()),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) if is_whole(left) && is_whole(right) => {
            let whole = |number: &serde_json::Number| {
                number.as_i64().map_or_else(|| i128::from(number.as_u64().unwrap_or(0)), i128::from)
            };
            Some(whole(left).cmp(&whole(right)))
        }
        (Value::Number(left), Value::Number(right)) if !is_whole(left) && !is_whole(right) => {
            left.as_f64().partial_cmp(&right.as_f64())
        }
        _ => return Err(format!("{} is not compared with {}", kind(left), kind(right))),
    };
    let Some(order) = order else { return Ok(operator == Operator::NotEqual) };
    Ok(match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Less => order == Ordering::Less,
        Operator::LessEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterEqual => order != Ordering::Less,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
