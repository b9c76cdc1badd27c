//! One Kubernetes object, or a list of them, from JSON text into a part of a [`Snapshot`].
//!
//! Objects are read in one pass without an intermediate form: as soon as kind and apiVersion are known, the fields that this kind
//! needs go straight into the interning tables and everything else is skipped. Files, blocks and threads are elsewhere.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::aso;
use super::rbac;
use super::saved;
use super::secrets;
use super::shape::{Object, Pairs, Text, object};
use super::workloads;
use crate::model::{AzureFacts, Cluster, ClusterId, FileId, Labels, Name, Namespace, Origin, Snapshot, Warning};

/// Which objects beyond RBAC's own the question needs. What is not needed is skipped, and of a cluster not even fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Pods, nodes, claims and volumes: what the Node authorizer looks at.
    pub workloads: bool,
    /// CustomResourceDefinitions: how their resources are called.
    pub definitions: bool,
    /// What escalations go through: tokens, powers of pods, the workloads that make pods, admission, GitOps.
    pub escalations: bool,
    /// What says which cluster of Azure this is: nodes, even without pods, and ASO with its credentials; and those of ASO's resources
    /// that say what is in Azure. Escalations need all of ASO.
    pub azure: bool,
}

impl Needs {
    /// Everything that a snapshot can hold.
    pub const ALL: Needs = Needs { workloads: true, definitions: true, escalations: true, azure: true };

    /// The same for a cluster that may ask Azure.
    pub fn with_azure(self) -> Needs {
        Needs { azure: true, ..self }
    }
}

/// Why an input cannot be used: one line of text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, or `FileId::LIVE`.
    pub file: FileId,
    /// The line, from 1; 0 where there is none.
    pub line: u32,
    /// What is wrong and what to do, in one line.
    pub message: String,
}

/// Reads objects into a part of a snapshot.
pub(super) struct Reader {
    pub(super) snapshot: Snapshot,
    pub(super) problems: Vec<Problem>,
    needs: Needs,
    /// Where objects go that name no namespace though their kind lives in one, as `kubectl apply` would put them.
    default_namespace: String,
    cluster: ClusterId,
    counts: BTreeMap<(String, String), u64>,
    /// The kind of the last object and how many of it came one after another, not yet in `counts`.
    run: (String, String, u64),
    seen: Vec<FileId>,
    /// The clusters that saved snapshots are of.
    pub(super) saved_clusters: Vec<(Origin, Cluster)>,
    /// What saved snapshots hold of Azure.
    pub(super) saved_azure: Vec<(Origin, AzureFacts)>,
    pub(super) rules: rbac::Scratch,
}

/// `apiVersion` and `kind` of the items of a typed list, which carry none themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ItemKind<'k> {
    pub(super) api_version: &'k str,
    pub(super) kind: &'k str,
}

/// How many lists may lie in each other. kubectl flattens those of any depth; more than a list of typed lists nobody writes.
pub(super) const NESTED_LISTS: u32 = 4;

/// What is said of lists that lie deeper.
pub(super) fn lists_too_deep() -> String {
    format!("more than {NESTED_LISTS} lists lie in each other")
}

/// What is said of JSON that ends too early.
pub(super) const CUT_OFF: &str = "the JSON ends in the middle of an object; was the file cut off?";

/// What is said of an object that nobody can have stored.
pub(super) fn too_large(limit: usize) -> String {
    format!("this object is larger than {} MiB, more than any can be", limit >> 20)
}

impl<'k> ItemKind<'k> {
    /// `apiVersion` and `kind` of an item that says these of itself, as far as they are known.
    fn or_own(self, api_version: Option<&'k str>, kind: Option<&'k str>) -> (Option<&'k str>, Option<&'k str>) {
        match kind {
            own if self.kind.is_empty() => (api_version, own),
            // The metadata form of a list says what form it is, not what the objects are.
            Some("PartialObjectMetadata") => (Some(self.api_version), Some(self.kind)),
            own => (Some(api_version.unwrap_or(self.api_version)), Some(own.unwrap_or(self.kind))),
        }
    }
}

/// Whether line numbers inside the text are lines of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// The text is the file's own, so an error's line is the object's line plus the one inside.
    OfFile,
    /// The text was made from the file's (YAML), so an error stands at the object's line.
    OfObject,
}

impl Reader {
    pub(super) fn new(needs: Needs, default_namespace: &str) -> Reader {
        Reader {
            snapshot: Snapshot::default(),
            problems: Vec::new(),
            needs,
            default_namespace: default_namespace.to_owned(),
            cluster: ClusterId::FIRST,
            counts: BTreeMap::new(),
            run: Default::default(),
            seen: Vec::new(),
            saved_clusters: Vec::new(),
            saved_azure: Vec::new(),
            rules: rbac::Scratch::default(),
        }
    }

    /// The part, with the counts of all objects met, and the problems.
    pub(super) fn finish(mut self) -> (Snapshot, Vec<Problem>) {
        self.end_run();
        for (kind, count) in std::mem::take(&mut self.counts) {
            *self.snapshot.counts.entry(kind).or_default() += count;
        }
        (self.snapshot, self.problems)
    }

    /// Reads one object, or a list of them. What cannot be read becomes a problem, and reading goes on with the next object.
    pub(super) fn json(&mut self, text: &str, at: Origin, item: ItemKind<'_>, lines: Lines) {
        self.nested(text, at, item, lines, NESTED_LISTS);
    }

    fn nested(&mut self, text: &str, at: Origin, item: ItemKind<'_>, lines: Lines, deeper: u32) {
        let mut json = serde_json::Deserializer::from_str(text);
        let read =
            ObjectSeed { reader: self, at, item }.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        match read {
            Ok(Read::Object) => {}
            Ok(Read::List { api_version, kind, items }) if deeper > 0 => {
                for (ordinal, raw) in (0_u32..).zip(&items) {
                    let line = at.line.saturating_add(lines.before(text, raw.get()));
                    let item = ItemKind { api_version: &api_version, kind: &kind };
                    let at = Origin { line, item: at.item.saturating_add(ordinal), ..at };
                    self.nested(raw.get(), at, item, lines, deeper - 1);
                }
            }
            Ok(Read::List { .. }) => self.problem(at, lists_too_deep()),
            Ok(Read::Wrong { inside, error }) => self.wrong(at, lines.before(text, inside), lines, &error),
            Err(error) => self.wrong(at, 0, lines, &error),
        }
    }

    /// A part of an object, so many lines below its first, cannot be read.
    fn wrong(&mut self, at: Origin, below: u32, lines: Lines, error: &serde_json::Error) {
        let inside = if lines == Lines::OfFile { error.line().saturating_sub(1) } else { 0 };
        let below = below.saturating_add(u32::try_from(inside).unwrap_or(u32::MAX));
        let message = self.explain(error);
        self.problem(Origin { line: at.line.saturating_add(below), ..at }, message);
    }

    pub(super) fn problem(&mut self, at: Origin, message: String) {
        self.problems.push(Problem { file: at.file, line: at.line, message });
    }

    pub(super) fn warn(&mut self, at: Origin, message: String) {
        self.snapshot.warnings.push(Warning { origin: at, message });
    }

    /// serde's words without its position, which is given apart, and with the field of the rule it was in.
    fn explain(&mut self, error: &serde_json::Error) -> String {
        if error.is_data() {
            format!("{}{}", self.rules.place(), words(error))
        } else if error.is_eof() {
            CUT_OFF.to_owned()
        } else {
            format!("not JSON: {}", words(error))
        }
    }

    /// The files that had an object, some of them more than once.
    pub(super) fn files_seen(&self) -> impl Iterator<Item = FileId> {
        self.seen.iter().copied()
    }

    fn see(&mut self, at: Origin) {
        if self.seen.last() != Some(&at.file) {
            self.seen.push(at.file);
        }
    }

    fn count(&mut self, api_version: &str, kind: &str, at: Origin) {
        self.see(at);
        if self.run.0 != api_version || self.run.1 != kind {
            self.end_run();
            self.run = (api_version.to_owned(), kind.to_owned(), 0);
        }
        self.run.2 += 1;
    }

    fn end_run(&mut self) {
        let (api_version, kind, count) = std::mem::take(&mut self.run);
        if count > 0 {
            *self.counts.entry((api_version, kind)).or_default() += count;
        }
    }

    /// What the question needs.
    pub(super) fn needs(&self) -> Needs {
        self.needs
    }

    /// The cluster that objects are read for.
    pub(super) fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The namespace of an object whose kind lives in one.
    pub(super) fn namespace(&mut self, meta: &Meta<'_>) -> Name {
        let given = meta.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        self.snapshot.names.intern(given.unwrap_or(&self.default_namespace))
    }

    pub(super) fn labels(&mut self, raw: Option<&RawValue>, at: Origin) -> Labels {
        let Some(raw) = raw else { return Labels::default() };
        match serde_json::from_str::<Option<Pairs<'_>>>(raw.get()) {
            Ok(pairs) => {
                let names = &mut self.snapshot.names;
                pairs
                    .map_or_else(Vec::new, |pairs| pairs.0)
                    .iter()
                    .map(|(k, v)| (names.intern(k), names.intern(v)))
                    .collect()
            }
            Err(error) => {
                let words = self.explain(&error);
                self.problem(at, format!("in `metadata.labels`: {words}"));
                Labels::default()
            }
        }
    }
}

impl Lines {
    /// How many lines of `text` stand before its part `inside`.
    fn before(self, text: &str, inside: &str) -> u32 {
        if self == Lines::OfObject {
            return 0;
        }
        let before = (inside.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
        u32::try_from(memchr::memchr_iter(b'\n', &text.as_bytes()[..before]).count()).unwrap_or(u32::MAX)
    }
}

/// serde's words without the position, and in those of YAML and JSON rather than of Rust.
pub(super) fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    let found = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    let Some((found, expected)) = found.and_then(|words| words.rsplit_once(", expected ")) else {
        return text.to_owned();
    };
    let expected = match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        other => other,
    };
    let found = match found.split_once(' ') {
        None if found == "sequence" => "a list".to_owned(),
        None if found == "map" => "an object".to_owned(),
        None => format!("`{found}`"),
        Some(("string", text)) => {
            let start: String = text.chars().take(SHOWN).collect();
            format!("the text `{start}{}`", if start.len() < text.len() { "..." } else { "" })
        }
        Some((_, value)) => value.rsplit_once(' ').map_or(value, |(_, value)| value).to_owned(),
    };
    format!("expected {expected}, found {found}")
}

/// How much of a wrong text is shown.
const SHOWN: usize = 60;

/// An object's metadata, as far as anybody here looks at it.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) labels: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) annotations: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ownerReferences")]
    pub(super) owner_references: Option<&'a RawValue>,
}

/// What a kind is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Role,
    ClusterRole,
    RoleBinding,
    ClusterRoleBinding,
    ServiceAccount,
    Namespace,
    Secret,
    Workload(workloads::Kind),
    /// Something of Azure Service Operator.
    Aso(aso::Kind),
    /// The first line of a saved snapshot.
    Saved,
    List,
    /// Counted, not read.
    Other,
}

impl Wanted {
    fn of(api_version: &str, kind: &str, needs: Needs) -> Wanted {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("rbac.authorization.k8s.io", "Role") => Wanted::Role,
            ("rbac.authorization.k8s.io", "ClusterRole") => Wanted::ClusterRole,
            ("rbac.authorization.k8s.io", "RoleBinding") => Wanted::RoleBinding,
            ("rbac.authorization.k8s.io", "ClusterRoleBinding") => Wanted::ClusterRoleBinding,
            ("", "ServiceAccount") => Wanted::ServiceAccount,
            ("", "Namespace") => Wanted::Namespace,
            ("", "Secret") => Wanted::Secret,
            // `List` of v1, and typed lists such as RoleList; an object of any other group is no list, whatever its name.
            ("", "List") => Wanted::List,
            (saved::GROUP, "Snapshot") => Wanted::Saved,
            _ => match workloads::Kind::of(group, kind) {
                Some(found) if found.needed(needs) => Wanted::Workload(found),
                Some(_) => Wanted::Other,
                None if (needs.escalations || needs.azure && aso::is_fact(group, kind))
                    && let Some(found) = aso::Kind::of(api_version, kind) =>
                {
                    Wanted::Aso(found)
                }
                None if kind.ends_with("List") => Wanted::List,
                None => Wanted::Other,
            },
        }
    }

    /// Whether the value of a top-level field is looked at for this kind.
    fn uses(self, field: &str, needs: Needs) -> bool {
        let metadata = field == "metadata";
        match self {
            Wanted::Role => metadata || field == "rules",
            Wanted::ClusterRole => metadata || matches!(field, "rules" | "aggregationRule"),
            Wanted::RoleBinding | Wanted::ClusterRoleBinding => metadata || matches!(field, "roleRef" | "subjects"),
            Wanted::Namespace => metadata,
            Wanted::ServiceAccount => {
                metadata || needs.escalations && matches!(field, "automountServiceAccountToken" | "secrets")
            }
            Wanted::Workload(kind) => metadata || kind.uses(field),
            // INVARIANT: of a Secret nothing else is looked at, and of `data` only the names, so that its content cannot get
            // anywhere.
            Wanted::Secret => {
                metadata
                    || field == "type"
                    || (needs.escalations || needs.azure) && matches!(field, "data" | "stringData")
            }
            Wanted::Aso(kind) => metadata || kind.uses(field),
            Wanted::Saved => saved::Fields::uses(field),
            Wanted::List => field == "items",
            Wanted::Other => false,
        }
    }
}

/// What the fields of one object held.
#[derive(Default)]
struct Body<'a> {
    meta: Meta<'a>,
    rules: Option<crate::model::RuleSetId>,
    aggregation: Option<rbac::AggregationIn<'a>>,
    role_ref: Option<rbac::RoleRefIn<'a>>,
    subjects: Vec<Object<rbac::SubjectIn<'a>>>,
    items: Vec<&'a RawValue>,
    secret: secrets::Fields<'a>,
    saved: Option<Box<saved::Fields>>,
    workload: workloads::Fields<'a>,
    aso: aso::Fields<'a>,
}

/// What one text was.
enum Read<'de> {
    /// An object, or nothing that could be one; whatever is to be said about it was said.
    Object,
    /// A list: `apiVersion` and `kind` of items that have none, and the items.
    List { api_version: String, kind: String, items: Vec<&'de RawValue> },
    /// The value of a field that was kept for later cannot be read.
    Wrong { inside: &'de str, error: serde_json::Error },
}

struct ObjectSeed<'r, 'k> {
    reader: &'r mut Reader,
    at: Origin,
    item: ItemKind<'k>,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, '_> {
    type Value = Read<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.reader.rules.begin_object();
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, '_> {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let ObjectSeed { reader, at, item } = self;
        let (mut api_version, mut kind) = (None::<Text<'de>>, None::<Text<'de>>);
        let mut body = Body::default();
        let mut wanted = None;
        // Fields that came before kind and apiVersion were known: `aggregationRule`, and `items` of kubectl's lists.
        let mut early: Vec<(Text<'de>, &'de RawValue)> = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                // What an object is must not change after its fields were read as something else.
                "apiVersion" if api_version.is_some() => return Err(A::Error::custom("`apiVersion` stands twice")),
                "kind" if kind.is_some() => return Err(A::Error::custom("`kind` stands twice")),
                "apiVersion" => {
                    wanted = None;
                    reader.rules.enter("apiVersion");
                    api_version = map.next_value()?;
                    reader.rules.leave();
                }
                "kind" => {
                    wanted = None;
                    reader.rules.enter("kind");
                    kind = map.next_value()?;
                    reader.rules.leave();
                }
                field => {
                    wanted = wanted.or_else(|| match item.or_own(api_version.as_deref(), kind.as_deref()) {
                        (Some(version), Some(kind)) => Some(Wanted::of(version, kind, reader.needs)),
                        _ => None,
                    });
                    match wanted {
                        Some(wanted) if wanted.uses(field, reader.needs) => {
                            map.next_value_seed(FieldSeed { reader: &mut *reader, body: &mut body, wanted, field })?;
                        }
                        Some(_) => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        None => early.push((key, map.next_value()?)),
                    }
                }
            }
        }
        let (api_version, kind) = item.or_own(api_version.as_deref(), kind.as_deref());
        let (api_version, kind) = (api_version.unwrap_or_default(), kind.unwrap_or_default());
        // The items of a list without a kind may still have theirs.
        let bare_list = kind.is_empty() && early.iter().any(|(field, _)| &**field == "items");
        if !bare_list && (kind.is_empty() || api_version.is_empty()) {
            let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
            reader.warn(at, format!("this is no Kubernetes object, since it has no `{missing}`; it is left out"));
            return Ok(Read::Object);
        }
        let of_kind = || wanted.unwrap_or_else(|| Wanted::of(api_version, kind, reader.needs));
        let wanted = if bare_list { Wanted::List } else { of_kind() };
        let needs = reader.needs;
        for (field, raw) in early.into_iter().filter(|(field, _)| wanted.uses(field, needs)) {
            let seed = FieldSeed { reader: &mut *reader, body: &mut body, wanted, field: &field };
            if let Err(error) = seed.deserialize(&mut serde_json::Deserializer::from_str(raw.get())) {
                return Ok(Read::Wrong { inside: raw.get(), error });
            }
        }
        if wanted == Wanted::List {
            let kind = kind.strip_suffix("List").unwrap_or_default();
            let api_version = if kind.is_empty() { "" } else { api_version };
            return Ok(Read::List { api_version: api_version.to_owned(), kind: kind.to_owned(), items: body.items });
        }
        if wanted == Wanted::Saved {
            reader.see(at);
            reader.saved(api_version, body.saved.map(|fields| *fields).unwrap_or_default(), at);
            return Ok(Read::Object);
        }
        reader.count(api_version, kind, at);
        reader.object(wanted, api_version, kind, body, at);
        Ok(Read::Object)
    }
}

impl Reader {
    /// Puts one object, whose fields are read, into the snapshot.
    fn object(&mut self, wanted: Wanted, api_version: &str, kind: &str, body: Body<'_>, at: Origin) {
        if wanted == Wanted::Other {
            return;
        }
        let meta = &body.meta;
        let Some(name) = meta.name.as_deref().filter(|name| !name.is_empty()) else {
            self.problem(at, format!("this {kind} has no `metadata.name`"));
            return;
        };
        let cluster = self.cluster;
        match wanted {
            Wanted::Role => {
                let namespace = self.namespace(meta);
                self.role(Some(namespace), name, meta, body.rules, None, at);
            }
            Wanted::ClusterRole => self.role(None, name, meta, body.rules, body.aggregation, at),
            Wanted::RoleBinding => {
                let namespace = self.namespace(meta);
                self.binding(Some(namespace), name, body.role_ref, &body.subjects, meta, at);
            }
            Wanted::ClusterRoleBinding => self.binding(None, name, body.role_ref, &body.subjects, meta, at),
            Wanted::ServiceAccount => self.service_account(name, meta, &body.secret, at),
            Wanted::Namespace => {
                let labels = self.labels(meta.labels, at);
                let reconcile_policy = self.namespace_policy(meta, at);
                let name = self.snapshot.names.intern(name);
                self.snapshot.namespaces.push(Namespace { cluster, name, labels, reconcile_policy, origin: at });
            }
            Wanted::Secret => self.secret(name, meta, &body.secret, at),
            Wanted::Workload(kind) => self.workload(kind, name, meta, body.workload, at),
            Wanted::Aso(found) => self.aso(found, (api_version, kind), name, meta, &body.aso, at),
            Wanted::Saved | Wanted::List | Wanted::Other => {}
        }
    }
}

/// Reads the value of one top-level field.
struct FieldSeed<'r, 'b, 'de> {
    reader: &'r mut Reader,
    body: &'b mut Body<'de>,
    wanted: Wanted,
    field: &'b str,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        use serde::Deserialize;
        let FieldSeed { reader, body, wanted, field } = self;
        match field {
            "metadata" => {
                reader.rules.enter("metadata");
                body.meta = object(value)?.unwrap_or_default();
            }
            "rules" => body.rules = Some(rbac::rules(&mut reader.rules, &mut reader.snapshot, value)?),
            "aggregationRule" => {
                reader.rules.enter("aggregationRule");
                body.aggregation = object(value)?;
            }
            "roleRef" => {
                reader.rules.enter("roleRef");
                body.role_ref = object(value)?;
            }
            "subjects" => {
                reader.rules.enter("subjects");
                body.subjects = Option::deserialize(value)?.unwrap_or_default();
            }
            "items" => {
                reader.rules.enter("items");
                body.items = Option::deserialize(value)?.unwrap_or_default();
            }
            field => match wanted {
                Wanted::Saved => {
                    body.saved.get_or_insert_default().read(field, value)?;
                }
                Wanted::Secret | Wanted::ServiceAccount => {
                    reader.rules.enter(secrets::Fields::place(field));
                    body.secret.read(field, value)?;
                }
                Wanted::Workload(kind) => {
                    reader.rules.enter(workloads::Fields::place(field));
                    body.workload.read(kind, field, value)?;
                }
                Wanted::Aso(_) => body.aso.read(field, value)?,
                _ => {
                    IgnoredAny::deserialize(value)?;
                }
            },
        }
        reader.rules.leave();
        Ok(())
    }
}
