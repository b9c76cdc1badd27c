//! Reading Azure's side from JSON: what `az` prints, what Azure Resource Manager, Resource Graph and Microsoft Graph answer. Nobody has to
//! say which file is what; each row is recognised by its shape (`shapes.rs`) and read (`read.rs`), and what says the same thing of one
//! object is put together (`unite.rs`).

mod export;
mod read;
mod row;
mod shapes;
mod unite;

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{CUT_OFF, Problem};
use super::files::{FileOptions, Input, LoadError};
use super::sources::Sources;
use crate::model::azure::Covered;
use crate::model::{AzureFacts, FileId, Gap, GapReason, Origin, Snapshot, Warning};
use row::{Row, Top};
use shapes::{Shape, shape};

pub use export::{AzureExport, AzureWanted, Refusal, azure_commands, export_azure};
use unite::subscriptions;
pub(super) use unite::unite;

/// What was read of Azure, to be added to a snapshot.
#[derive(Default)]
pub struct AzureInput {
    files: Vec<String>,
    facts: AzureFacts,
    gaps: Vec<Gap>,
    warnings: Vec<Warning>,
}

impl AzureInput {
    /// Puts it beside what was read of Kubernetes, in the place of what a saved snapshot held of Azure. It must have been read with as
    /// many files before it as the snapshot has.
    pub fn add_to(self, snapshot: &mut Snapshot) {
        snapshot.files.extend(self.files);
        snapshot.azure = self.facts;
        snapshot.gaps.extend(self.gaps);
        snapshot.gaps.sort();
        snapshot.gaps.dedup();
        snapshot.warnings.extend(self.warnings);
        snapshot.warnings.sort();
    }
}

/// Reads Azure's side. Folders are read with everything below them. `before` is how many files the snapshot has already.
///
/// # Errors
/// Every problem of every input, unless `keep_going` makes them gaps.
pub fn read_azure(
    inputs: &[Input],
    stdin: &mut dyn Read,
    options: &FileOptions,
    before: usize,
) -> Result<AzureInput, LoadError> {
    let mut found = Sources::only_json();
    for input in inputs {
        found.add(input, true);
    }
    let Sources { files, sources, problems, .. } = found;
    let mut reader = Reader { before, problems, ..Reader::default() };
    reader.facts.given = true;
    for source in sources {
        let (file, source_named) = (source.file, source.explicit);
        match source.text(stdin, &options.limits) {
            Ok(text) => reader.file((file, source_named), &text),
            Err(problem) => reader.problems.push(problem),
        }
    }
    let Reader { mut facts, mut gaps, mut warnings, mut problems, tenants, .. } = reader;
    unite(&mut facts, &mut warnings);
    warnings.extend(wrong_tenant(&tenants, &files, before));
    facts.tenants = tenants.into_iter().map(|(id, origin)| Covered { id, origin }).collect();
    facts.subscriptions_read = subscriptions(&facts);
    problems.sort();
    problems.dedup();
    if !problems.is_empty() {
        let error = LoadError { files, problems };
        if !options.keep_going {
            return Err(error);
        }
        gaps.extend(error.lines().map(|message| gap(("azure", ""), GapReason::Unreadable, message)));
        return Ok(AzureInput { files: error.files, facts, gaps, warnings });
    }
    Ok(AzureInput { files, facts, gaps, warnings })
}

fn gap((group, resource): (&str, &str), reason: GapReason, message: String) -> Gap {
    let (api_group, resource) = (group.to_owned(), resource.to_owned());
    Gap { api_group, resource, namespace: None, except: Vec::new(), reason, message }
}

/// Data of two tenants says nothing about each other, and is mostly a mistake.
fn wrong_tenant(tenants: &BTreeMap<String, Origin>, files: &[String], before: usize) -> Option<Warning> {
    let (_, last) = tenants.iter().max_by_key(|(_, at)| **at).filter(|_| tenants.len() > 1)?;
    let name = |at: &Origin| files.get((at.file.0 as usize).saturating_sub(before)).map_or("", String::as_str);
    let each: Vec<String> = tenants.iter().map(|(tenant, at)| format!("{tenant} in {}", name(at))).collect();
    let message = format!(
        "the Azure data is of {} tenants ({}); principals of one are unknown in the other",
        tenants.len(),
        each.join(", ")
    );
    Some(Warning { origin: *last, message })
}

#[derive(Default)]
struct Reader {
    before: usize,
    facts: AzureFacts,
    gaps: Vec<Gap>,
    warnings: Vec<Warning>,
    problems: Vec<Problem>,
    /// The tenants that were named, and where first.
    tenants: BTreeMap<String, Origin>,
}

/// Where in a text a piece of it begins. Pieces are asked for in their order.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of(&mut self, piece: &str) -> u32 {
        let offset = (piece.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        if let Some(between) = self.text.as_bytes().get(self.at..offset) {
            let lines = memchr::memchr_iter(b'\n', between).count();
            self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            self.at = offset;
        }
        self.line
    }
}

/// What the rows of one document are, for what is said of all of them.
#[derive(Default)]
struct Seen {
    rows: u32,
    shape: Option<Shape>,
    /// Rows that nobody reads, by type, and the line of the first.
    unused: BTreeMap<String, (u32, u32)>,
}

impl Reader {
    fn problem(&mut self, file: FileId, line: u32, message: impl Into<String>) {
        self.problems.push(Problem { file, line, message: message.into() });
    }

    /// Reads a file, which was named or was found in a folder.
    fn file(&mut self, (file, named): (FileId, bool), text: &str) {
        let start = text.trim_start();
        if start.is_empty() {
            return self.problem(
                file,
                0,
                "it is empty; the command that should have filled it said why on standard error",
            );
        }
        if start.starts_with('<') {
            let message = "this is an HTML page, not JSON; a proxy or a login page answered instead of Azure";
            return self.problem(file, 1, message);
        }
        if !start.starts_with(['{', '[']) {
            let message = "this is not JSON; run az with `-o json`, and keep its warnings (2>) out of the file";
            return self.problem(file, 1, message);
        }
        let mut lines = Lines { text, at: 0, line: 1 };
        let mut documents = serde_json::Deserializer::from_str(text);
        let mut seen = Seen::default();
        while let Err(not_yet) = documents.end() {
            match Top::deserialize(&mut documents) {
                Ok(top) => self.document(file, top, &mut lines, &mut seen),
                Err(error) if error.is_eof() => {
                    let line = u32::try_from(error.line()).unwrap_or(0);
                    self.problem(file, line, CUT_OFF);
                    break;
                }
                Err(error) => {
                    let line = error.line().max(not_yet.line());
                    let message = format!("this is not JSON that Azure writes: {}", plain(&error));
                    self.problem(file, u32::try_from(line).unwrap_or(0), message);
                    break;
                }
            }
        }
        for (name, (count, line)) in seen.unused {
            let what = if name.is_empty() {
                let rows = if count == 1 { "an object is".to_owned() } else { format!("{count} objects are") };
                format!(
                    "{rows} nothing that is known; expected are role assignments, role definitions, deny assignments, \
                     PIM instances, identities, federated credentials, clusters, users, groups, service principals, \
                     management groups, registries or vaults, as az prints them"
                )
            } else {
                let rows = if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
                format!("{rows} of type `{name}` not used")
            };
            // A folder may hold other things as well, and a file that was named is a mistake.
            if named && seen.shape.is_none() {
                self.problem(file, line, what);
                continue;
            }
            let origin = self.origin(file, line, 0);
            self.warnings.push(Warning { origin, message: what });
        }
    }

    fn origin(&self, file: FileId, line: u32, item: u32) -> Origin {
        let before = u32::try_from(self.before).unwrap_or(u32::MAX);
        Origin { file: FileId(file.0.saturating_add(before)), line, item }
    }

    fn document<'a>(&mut self, file: FileId, top: Top<'a>, lines: &mut Lines<'a>, seen: &mut Seen) {
        let row = match top {
            Top::Many(rows) => return self.rows(file, &rows, "", lines, seen),
            Top::One(row) => row,
        };
        let line = row.fields().next().map_or(1, |(_, raw)| lines.of(raw.get()));
        if let Ok(Some(error)) = row.object("error") {
            let says = |key: &str| error.text(key).ok().flatten().unwrap_or_default();
            let (code, message) = (says("code"), says("message"));
            let message = format!("this is an error that Azure answered: {code}: {}", first_line(&message));
            return self.problem(file, line, message);
        }
        if row.has("apiVersion") && row.has("kind") && row.has("metadata") {
            return self.problem(
                file,
                line,
                "this is a Kubernetes object; give it with -f, and Azure's data with --azure",
            );
        }
        let list = if row.has("value") { "value" } else { "data" };
        let Some(inside) = row.value(list).filter(|_| row.list(list).is_ok()) else {
            if row.has("value") || (row.has("data") && (row.has("count") || row.has("totalRecords"))) {
                return match row.value(list) {
                    None => {}
                    Some(_) if list == "data" => {
                        self.problem(file, line, "`data` is a table; ask Resource Graph for `objectArray`");
                    }
                    Some(_) => self.problem(file, line, "`value` should be a list"),
                };
            }
            return self.row(self.origin(file, line, seen.rows), file, row.opened(), "", seen);
        };
        let rows: Vec<&'a RawValue> = serde_json::from_str(inside.get()).unwrap_or_default();
        let context = row.text("@odata.context").ok().flatten().unwrap_or_default().into_owned();
        self.rows(file, &rows, &context, lines, seen);
        let more = ["nextLink", "@odata.nextLink", "skip_token", "skipToken", "$skipToken"];
        let truncated = row.text("resultTruncated").is_ok_and(|text| text.as_deref() == Some("true"));
        if let Some(by) = more.into_iter().find(|key| row.text(key).is_ok_and(|text| text.is_some())) {
            self.goes_on(file, line, seen, &format!("`{by}` says that there is more"));
        } else if truncated {
            self.goes_on(file, line, seen, "it says that it was cut off");
        }
    }

    fn goes_on(&mut self, file: FileId, line: u32, seen: &Seen, how: &str) {
        let resource = seen.shape.map_or(("azure", ""), Shape::resource);
        let origin = self.origin(file, line, 0);
        let message = format!("not all pages of this list were saved ({how}); these are at least the ones");
        self.warnings.push(Warning { origin, message });
        let what =
            if resource.1.is_empty() { "Azure data".to_owned() } else { format!("{}/{}", resource.0, resource.1) };
        self.gaps.push(gap(resource, GapReason::NotInInput, format!("{what}: not all pages were saved: {how}")));
    }

    fn rows<'a>(&mut self, file: FileId, rows: &[&'a RawValue], context: &str, lines: &mut Lines<'a>, seen: &mut Seen) {
        for raw in rows {
            let line = lines.of(raw.get());
            match Row::read(raw) {
                Ok(row) => self.row(self.origin(file, line, seen.rows), file, row, context, seen),
                Err(message) => self.problem(file, line, message),
            }
            seen.rows += 1;
        }
    }

    fn row(&mut self, at: Origin, file: FileId, row: Row<'_>, context: &str, seen: &mut Seen) {
        match shape(&row) {
            Ok(shape) => {
                seen.shape = Some(shape);
                if let Err(message) = self.read(shape, &row, at, context) {
                    self.problem(file, at.line, format!("{message}, as {} should have it", shape.name()));
                }
            }
            Err(name) => {
                let unused = seen.unused.entry(name.unwrap_or_default()).or_insert((0, at.line));
                unused.0 += 1;
            }
        }
    }
}

/// The parser's message without its place, which is said in front.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
