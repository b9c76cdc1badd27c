//! Clusters to measure on, of any size and always the same: `S` is a small one, `M` an ordinary large one, and `L` is beyond any
//! that has been reported. What the objects hold is in `objects.rs`; here is how many there are and in which form they are written.
//!
//! Cluster-scoped objects come from one seed and each namespace from its own, so no more than one object is ever in memory.

mod azure;
mod objects;
mod random;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub(crate) use azure::{Azure, lists, write_access, write_aso};
use objects::{Kind, Objects};

/// How large a cluster is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) namespaces: usize,
    /// How many of each there are in a namespace of middle size.
    pub(crate) service_accounts: usize,
    pub(crate) roles: usize,
    pub(crate) role_bindings_times_two: usize,
    pub(crate) pods: usize,
    pub(crate) azure_resources: usize,
    /// RoleBindings that the first namespace has beyond its share, as Rancher's `fleet-default` has.
    pub(crate) hot_bindings: usize,
    /// Three ClusterRoles each, which aggregate to admin, edit and view.
    pub(crate) custom_resources: usize,
    pub(crate) operators: usize,
    /// ClusterRoles that are limited to `resourceNames`.
    pub(crate) named_roles: usize,
    pub(crate) cluster_role_bindings: usize,
    pub(crate) users: usize,
    pub(crate) groups: usize,
    /// Whether namespaces are apart: view only reads, as Kubernetes has it, operators live in a namespace of their own and nobody
    /// else has their roles, and no account holds anything in another namespace. Otherwise most of those who have any right become
    /// administrators of the cluster, and with it everybody comes to everything.
    pub(crate) orderly: bool,
    /// Another seed is another cluster of the same shape.
    pub(crate) seed: u64,
}

/// 100 namespaces, about 3,900 objects.
pub(crate) const S: Profile = Profile {
    name: "S",
    namespaces: 100,
    service_accounts: 6,
    roles: 4,
    role_bindings_times_two: 16,
    pods: 15,
    azure_resources: 2,
    hot_bindings: 20,
    custom_resources: 60,
    operators: 25,
    named_roles: 20,
    cluster_role_bindings: 150,
    users: 200,
    groups: 40,
    orderly: false,
    seed: 42,
};

/// 2,000 namespaces, about 84,000 objects.
pub(crate) const M: Profile = Profile {
    name: "M",
    namespaces: 2_000,
    service_accounts: 8,
    roles: 5,
    hot_bindings: 500,
    custom_resources: 200,
    operators: 150,
    named_roles: 300,
    cluster_role_bindings: 2_400,
    users: 4_000,
    groups: 600,
    ..S
};

/// 10,000 namespaces, about 930,000 objects, 1.5 GB.
pub(crate) const L: Profile = Profile {
    name: "L",
    namespaces: 10_000,
    service_accounts: 25,
    roles: 15,
    role_bindings_times_two: 63,
    hot_bindings: 10_000,
    custom_resources: 500,
    operators: 600,
    named_roles: 1_500,
    cluster_role_bindings: 12_000,
    users: 20_000,
    groups: 3_000,
    ..S
};

impl Profile {
    /// So much less of everything.
    pub(crate) fn part(self, of: usize) -> Profile {
        Profile {
            namespaces: self.namespaces / of,
            hot_bindings: self.hot_bindings / of,
            custom_resources: self.custom_resources / of,
            operators: self.operators / of,
            named_roles: self.named_roles / of,
            cluster_role_bindings: self.cluster_role_bindings / of,
            users: self.users / of,
            groups: self.groups / of,
            ..self
        }
    }
}

/// How the objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object a line.
    Lines,
    /// One `List`, indented by four, as `kubectl get -o json` writes it.
    Indented,
    /// One list of each kind, whose items carry no kind of their own, as the API server answers.
    Typed,
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) objects: BTreeMap<&'static str, u64>,
    pub(crate) bytes: u64,
}

impl Counts {
    pub(crate) fn total(&self) -> u64 {
        self.objects.values().sum()
    }

    /// Everything that RBAC itself consists of.
    pub(crate) fn rbac(&self) -> u64 {
        let rbac = |kind: &&str| kind.contains("Role") && !kind.contains("Assignment");
        self.objects.iter().filter(|(kind, _)| rbac(kind)).map(|(_, count)| count).sum()
    }
}

/// Writes a cluster.
pub(crate) fn write(profile: &Profile, form: Form, out: &mut dyn Write) -> io::Result<Counts> {
    let mut out = Counting { out, bytes: 0 };
    let mut counts = Counts::default();
    match form {
        Form::Lines => Objects::new(profile).each(&mut |kind, text| {
            *counts.objects.entry(kind.name).or_default() += 1;
            writeln!(out, "{}{text}", kind.head())
        })?,
        Form::Indented => {
            let mut between = "";
            out.write_all(b"{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        ")?;
            Objects::new(profile).each(&mut |kind, text| {
                *counts.objects.entry(kind.name).or_default() += 1;
                out.write_all(between.as_bytes())?;
                between = ",\n        ";
                indent(&format!("{}{text}", kind.head()), 2, &mut out)
            })?;
            out.write_all(b"\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"resourceVersion\": \"\"\n    }\n}\n")?;
        }
        Form::Typed => {
            for wanted in Kind::ALL {
                let mut between = "";
                let (version, name) = (wanted.api_version, wanted.name);
                write!(out, r#"{{"kind":"{name}List","apiVersion":"{version}","metadata":{{}},"items":["#)?;
                Objects::new(profile).each(&mut |kind, text| {
                    if kind != *wanted {
                        return Ok(());
                    }
                    *counts.objects.entry(kind.name).or_default() += 1;
                    write!(out, "{between}{{{text}")?;
                    between = ",";
                    Ok(())
                })?;
                out.write_all(b"]}\n")?;
            }
        }
    }
    counts.bytes = out.bytes;
    Ok(counts)
}

/// Writes compact JSON with the line ends and blanks that Go's indenting puts in.
fn indent(text: &str, mut depth: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut indented = Vec::with_capacity(3 * text.len());
    let (mut in_text, mut escaped, mut opened) = (false, false, false);
    let line = |indented: &mut Vec<u8>, depth: usize| {
        indented.push(b'\n');
        indented.resize(indented.len() + 4 * depth, b' ');
    };
    for &byte in text.as_bytes() {
        let closes = matches!(byte, b'}' | b']') && !in_text;
        if closes {
            depth -= 1;
        }
        // An empty list or object stays closed.
        if (opened && !closes) || (closes && !opened) {
            line(&mut indented, depth);
        }
        opened = false;
        indented.push(byte);
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                opened = true;
            }
            b',' => line(&mut indented, depth),
            b':' => indented.push(b' '),
            _ => {}
        }
    }
    out.write_all(&indented)
}

struct Counting<'w> {
    out: &'w mut dyn Write,
    bytes: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
