//! `explain`, and the table of techniques in README.

use super::look::Look;
use super::table::Table;
use crate::rules::{At, CATALOGUE, CHECKS, Kind, On, Technique};

/// Everything about a technique, or a line about each, by kind.
pub fn explain(techniques: &[&Technique], heads: bool) -> String {
    if let [technique] = techniques {
        return explain_one(technique);
    }
    let table = |kind: Kind, head: &str| {
        let mut table = Table::new(&[head, "WHAT", "GAINS", "CONFIDENCE"]);
        for technique in techniques.iter().filter(|technique| technique.kind == kind) {
            table.row([technique.id, technique.title, technique.gain, technique.confidence.as_str()]);
        }
        table.text(heads, Look::default())
    };
    let tables = [table(Kind::Move, "MOVE"), table(Kind::Holding, "HOLDING")];
    let tables: Vec<String> = tables.into_iter().filter(|table| !table.is_empty()).collect();
    tables.join(if heads { "\n" } else { "" })
}

/// The techniques as a table in Markdown, as README has it.
pub fn technique_table() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut text = "| technique | what | gains | confidence |\n|---|---|---|---|\n".to_owned();
    for technique in CATALOGUE {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            technique.id,
            cell(technique.title),
            cell(technique.gain),
            technique.confidence.as_str()
        ));
    }
    text
}

/// The checks as Markdown, for the README.
pub fn check_table() -> String {
    let mut text = "| check | recommends |\n|---|---|\n".to_owned();
    for check in CHECKS {
        text.push_str(&format!("| `{}` | {} |\n", check.id, check.title.replace('|', "\\|")));
    }
    text
}

fn explain_one(technique: &Technique) -> String {
    let mut text = format!("{}: {}\n\n{}\n", technique.id, technique.title, technique.why);
    if !technique.requests.is_empty() {
        text.push_str("\nneeds, each line by one identity (resourceNames limit what has a NAME and nothing else):\n");
    }
    for request in technique.requests {
        let rights: Vec<String> = request
            .rights
            .iter()
            .map(|right| {
                let group = match right.api_group {
                    "" | "*" => String::new(),
                    group => format!(".{group}"),
                };
                let on = match right.on {
                    On::Nothing => "",
                    On::Object => " NAME",
                    On::Other => " OTHER-NAME",
                };
                let at = if right.in_cluster { " in the whole cluster" } else { "" };
                format!("{} {}{group}{on}{at}", right.verbs.join("|"), right.resource)
            })
            .collect();
        let at = if request.at == At::Cluster { "in the whole cluster" } else { "in a namespace" };
        text.push_str(&format!("  {}, {at}\n", rights.join(" and ")));
    }
    text.push_str(&format!("\ngains: {}\n", technique.gain));
    text.push_str(&format!("remedy: {}\n", technique.remedy));
    text.push_str(&format!("confidence: {}\n", technique.confidence.as_str()));
    text.push_str(&format!("kind: {}\n", if technique.kind == Kind::Move { "move" } else { "holding" }));
    text.push_str(&format!("references: {}\n", technique.attack.join(", ")));
    for reference in technique.references {
        text.push_str(&format!("  {reference}\n"));
    }
    text
}
