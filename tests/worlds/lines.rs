//! Small worlds in words: one line an object.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What makes pods, with the version that it is written in.
const CONTROLLERS: &[(&str, &str)] = &[
    ("apps/v1", "Deployment"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "ReplicationController"),
];

/// The objects of a world, as YAML. Each is a line:
///
/// ```text
/// role [NS/]NAME: VERBS RESOURCES[.GROUP] [NAMES]; ...     `rbac` stands for its group, `-` for none
/// bind [NS/]NAME SUBJECT...                                to the role of that name
/// bind [NS/]NAME=ROLE SUBJECT...                           to a ClusterRole, or with `NS/ROLE` to a Role
/// account NS/NAME
/// namespace NAME LEVEL                                     what Pod Security enforces; `-` for no label, `yaml` if it is written out
/// pod NS/NAME ACCOUNT NODE [MORE...]                       as that account; `-` for none; see [`pod`] for what more there is
/// deployment NS/NAME                                       and so on for every kind that makes pods
/// node NAME LABEL
/// volume NAME PATH NS/CLAIM                                a folder of a node, bound to a claim
/// secret NS/NAME TYPE [ACCOUNT]                            of that type, with the account whose token it holds
/// yaml TEXT
/// ```
///
/// Namespaces that are only mentioned enforce `restricted`, so that what a new pod gives is asked for on purpose.
pub(crate) fn yaml(world: &str) -> String {
    let mut yaml = String::new();
    let words = world.lines().filter(|line| !line.trim_start().starts_with("yaml ")).flat_map(str::split_whitespace);
    let mentioned =
        words.filter_map(|word| word.trim_start_matches("sa:").split_once('/')).map(|(namespace, _)| namespace);
    let plain =
        |name: &&str| !name.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let mut namespaces: BTreeSet<String> = mentioned.filter(plain).map(str::to_owned).collect();
    for line in world.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = match kind {
            "role" => role(rest),
            "bind" => binding(rest),
            "account" => {
                let (namespace, name) = rest.split_once('/').unwrap();
                format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: {namespace}}}}}")
            }
            "namespace" => {
                let (name, level) = rest.split_once(' ').unwrap();
                namespaces.retain(|own| own != name);
                if level == "yaml" { continue } else { namespace(name, level) }
            }
            "pod" => pod(rest),
            "secret" => {
                let mut words = rest.split(' ');
                let (name, kind) = (words.next().unwrap(), words.next().unwrap());
                let account = words.next().unwrap_or("\"\"");
                let notes = format!(", annotations: {{kubernetes.io/service-account.name: {account}}}}}");
                let metadata = metadata(name).1.replace('}', &notes);
                format!("{{apiVersion: v1, kind: Secret, metadata: {metadata}, type: {kind}}}")
            }
            "yaml" => rest.to_owned(),
            "node" => {
                let (name, label) = rest.split_once(' ').unwrap();
                format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{{label}: \"\"}}}}}}")
            }
            "volume" => {
                let [name, path, claim] = rest.split(' ').collect::<Vec<_>>()[..] else { panic!("{rest}") };
                format!(
                    "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {name}}}, \
                     spec: {{hostPath: {{path: {path}}}, claimRef: {}}}}}",
                    metadata(claim).1
                )
            }
            other => {
                let found = CONTROLLERS.iter().find(|(_, kind)| kind.to_lowercase() == other);
                let Some((version, kind)) = found else { panic!("no such object: {other}") };
                format!("{{apiVersion: {version}, kind: {kind}, metadata: {}}}", metadata(rest).1)
            }
        };
        writeln!(yaml, "---\n{text}").unwrap();
    }
    for name in namespaces {
        writeln!(yaml, "---\n{}", namespace(&name, "restricted")).unwrap();
    }
    yaml
}

const RBAC: &str = "rbac.authorization.k8s.io";

fn namespace(name: &str, level: &str) -> String {
    let labels = if level == "-" { String::new() } else { format!("pod-security.kubernetes.io/enforce: {level}") };
    format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{labels}}}}}}}")
}

/// What more a pod may have: `privileged`, `hostPID` and the like, `shared` processes, `cap:NAME`, `host:PATH` and `ro:PATH` of the
/// node, `secret:NAME`, `pull:NAME`, `claim:NAME`, `automount` or `notoken`, a `token` in a volume, `mirror`, `finished`.
fn pod(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("pod NS/NAME ACCOUNT NODE: {text}"));
    let (name, account, node) = (next(), next(), next());
    let mut spec = String::new();
    if account != "-" {
        write!(spec, "serviceAccountName: {account}, ").unwrap();
    }
    if node != "-" {
        write!(spec, "nodeName: {node}, ").unwrap();
    }
    let (mut privileged, mut status, mut annotations) = (false, "", "");
    let (mut caps, mut volumes, mut mounts) = (Vec::new(), Vec::new(), Vec::new());
    for (at, word) in words.enumerate() {
        let (kind, value) = word.split_once(':').unwrap_or((word, ""));
        let volume = match kind {
            "host" | "ro" => format!("hostPath: {{path: {value}}}"),
            "secret" => format!("secret: {{secretName: {value}}}"),
            "claim" => format!("persistentVolumeClaim: {{claimName: {value}}}"),
            "token" => "projected: {sources: [{serviceAccountToken: {path: token}}]}".to_owned(),
            _ => String::new(),
        };
        if !volume.is_empty() {
            volumes.push(format!("{{name: v{at}, {volume}}}"));
            mounts.push(format!("{{name: v{at}, mountPath: /v{at}, readOnly: {}}}", kind == "ro"));
            continue;
        }
        match kind {
            "privileged" => privileged = true,
            "cap" => caps.push(value),
            "pull" => write!(spec, "imagePullSecrets: [{{name: {value}}}], ").unwrap(),
            "shared" => spec.push_str("shareProcessNamespace: true, "),
            "automount" => spec.push_str("automountServiceAccountToken: true, "),
            "notoken" => spec.push_str("automountServiceAccountToken: false, "),
            "mirror" => annotations = ", annotations: {kubernetes.io/config.mirror: x}",
            "finished" => status = ", status: {phase: Succeeded}",
            "hostPID" | "hostIPC" | "hostNetwork" => write!(spec, "{kind}: true, ").unwrap(),
            other => panic!("a pod has no {other}"),
        }
    }
    let security = format!("{{privileged: {privileged}, capabilities: {{add: [{}]}}}}", caps.join(", "));
    let container =
        format!("{{name: main, image: main, securityContext: {security}, volumeMounts: [{}]}}", mounts.join(", "));
    let metadata = metadata(name).1.replace('}', &format!("{annotations}}}"));
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {metadata}, \
         spec: {{{spec}containers: [{container}], volumes: [{}]}}{status}}}",
        volumes.join(", ")
    )
}

fn metadata(name: &str) -> (&'static str, String) {
    match name.split_once('/') {
        Some((namespace, name)) => ("", format!("{{name: \"{name}\", namespace: \"{namespace}\"}}")),
        None => ("Cluster", format!("{{name: \"{name}\"}}")),
    }
}

fn role(text: &str) -> String {
    let (name, rules) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
    let (prefix, metadata) = metadata(name);
    let rules = rules.split("; ").filter(|rule| !rule.is_empty()).map(|rule| {
        let words: Vec<&str> = rule.split(' ').collect();
        let (resources, group) = words[1].split_once('.').unwrap_or((words[1], ""));
        let group = if group == "rbac" { RBAC } else { group };
        let list = |text: &str| text.split(',').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let names = words.get(2).map(|names| format!(", resourceNames: [{}]", list(names))).unwrap_or_default();
        format!("{{verbs: [{}], apiGroups: [\"{group}\"], resources: [{}]{names}}}", list(words[0]), list(resources))
    });
    let rules: Vec<String> = rules.collect();
    format!("{{apiVersion: {RBAC}/v1, kind: {prefix}Role, metadata: {metadata}, rules: [{}]}}", rules.join(", "))
}

fn binding(text: &str) -> String {
    let mut words = text.split(' ');
    let name = words.next().unwrap();
    let (name, role) = name.split_once('=').unwrap_or((name, ""));
    let (prefix, metadata) = metadata(name);
    let (kind, role) = match (role.split_once('/'), name.split_once('/')) {
        (Some((_, role)), _) => ("Role", role),
        (None, Some((_, own))) if role.is_empty() => ("Role", own),
        (None, None) if role.is_empty() => ("ClusterRole", name),
        _ => ("ClusterRole", role),
    };
    let subjects: Vec<String> = words
        .map(|subject| {
            let (kind, name) = subject.split_once(':').unwrap();
            match kind {
                "sa" => {
                    let (namespace, name) = name.split_once('/').unwrap();
                    format!("{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}")
                }
                "group" => format!("{{kind: Group, apiGroup: {RBAC}, name: \"{name}\"}}"),
                _ => format!("{{kind: User, apiGroup: {RBAC}, name: \"{name}\"}}"),
            }
        })
        .collect();
    format!(
        "{{apiVersion: {RBAC}/v1, kind: {prefix}RoleBinding, metadata: {metadata}, \
         roleRef: {{apiGroup: {RBAC}, kind: {kind}, name: \"{role}\"}}, subjects: [{}]}}",
        subjects.join(", ")
    )
}
