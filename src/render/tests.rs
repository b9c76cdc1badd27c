//! The JSON Schemas of the reports: made from the types that are serialised, and kept in `schemas/` for those who read reports.
//! `UPDATE_SCHEMAS=1` writes them anew.

use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::aso::{AsoItem, AsoQuestion};
use super::azure::{AzureQuestionOut, AzureWhoCanItem};
use super::checks::{CheckItem, ChecksQuestion};
use super::document::{API_VERSION, Document};
use super::escalations::{EscalationItem, EscalationsQuestion};
use super::evidence::QuestionOut;
use super::graph::GraphDocument;
use super::review::{ReviewOut, ReviewQuestion};
use super::what_can::{IdentityOut, RightItem};
use super::who_can::WhoCanItem;
use super::why::{WhyItem, WhyQuestion};

#[test]
fn schemas_are_what_the_types_say() {
    check::<Document<WhoCanItem, QuestionOut>>("WhoCanReport", "Which subjects can do something.");
    check::<Document<AzureWhoCanItem, AzureQuestionOut>>(
        "AzureWhoCanReport",
        "Which principals can do something in Azure.",
    );
    check::<Document<RightItem, IdentityOut>>("WhatCanReport", "Everything that a subject can do.");
    check::<Document<WhyItem, WhyQuestion>>("WhyReport", "Why a subject can do something, or what it lacks.");
    check::<Document<EscalationItem, EscalationsQuestion>>(
        "EscalationReport",
        "Who can become more than they were given, step by step.",
    );
    check::<Document<CheckItem, ChecksQuestion>>("CheckReport", "Recommended practices that are broken.");
    check::<Document<AsoItem, AsoQuestion>>("AsoReport", "The credentials of Azure Service Operator.");
    check::<GraphDocument>("GraphReport", "Who is bound to what, and where that leads; or the steps of a finding.");
    check::<Document<ReviewOut, ReviewQuestion>>("ReviewReport", "SubjectAccessReviews with their answers.");
}

fn check<T: JsonSchema>(kind: &str, about: &str) {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(NeverNull);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), format!("https://{API_VERSION}/{kind}.json").into());
    schema.insert("title".to_owned(), kind.into());
    schema.insert("description".to_owned(), about.into());
    if let Some(properties) = schema.get_mut("properties") {
        properties["apiVersion"] = json!({ "const": API_VERSION });
        properties["kind"] = json!({ "const": kind });
    }
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{kind}.json"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "schemas/{kind}.json is not what the types say; UPDATE_SCHEMAS=1 cargo test --lib writes it anew"
    );
}

/// What is not there is left out of reports and never `null`.
#[derive(Clone, Debug)]
struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|one| one != "null");
            if let [one] = types.as_slice() {
                let one = one.clone();
                schema.insert("type".to_owned(), one);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|one| one != &json!({ "type": "null" }));
            if let [Value::Object(one)] = choices.as_slice() {
                let one = one.clone();
                schema.remove("anyOf");
                for (key, value) in one {
                    schema.insert(key, value);
                }
            }
        }
        // Rust's widths of numbers mean nothing to others.
        if schema.get("type") == Some(&json!("integer")) {
            schema.remove("format");
        }
        transform_subschemas(self, schema);
    }
}
