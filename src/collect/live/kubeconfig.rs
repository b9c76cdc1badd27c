//! Kubeconfig files: which ones count, how several become one, and the entry behind a name.
//!
//! The rules are those of kubectl (client-go `tools/clientcmd/loader.go`). kube's own reader is not used: it refuses a list in
//! which one file is missing and takes an empty `current-context` for a set one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::LiveError;
use crate::collect::glance::KubeconfigNames;

/// What the files say, merged: of two entries with one name the one read first counts, whole.
#[derive(Default)]
pub(in crate::collect) struct Kubeconfig {
    current_context: String,
    contexts: BTreeMap<String, Entry>,
    clusters: BTreeMap<String, Entry>,
    users: BTreeMap<String, Entry>,
    /// The files that were named and are not there.
    pub(super) missing: Vec<PathBuf>,
}

/// A named entry, and the file that it stands in.
struct Entry {
    value: Value,
    file: PathBuf,
}

/// Which cluster, user and namespace a context names; empty where it names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) cluster: String,
    pub(super) user: String,
    pub(super) namespace: String,
}

#[derive(Deserialize)]
struct FileIn {
    #[serde(rename = "current-context", default)]
    current_context: Option<String>,
    #[serde(default)]
    contexts: Option<Vec<NamedIn>>,
    #[serde(default)]
    clusters: Option<Vec<NamedIn>>,
    #[serde(default)]
    users: Option<Vec<NamedIn>>,
}

#[derive(Deserialize)]
struct NamedIn {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user", default)]
    value: Value,
}

/// The files to read: the one of `--kubeconfig`, else those of `KUBECONFIG`, else the one in the home folder.
pub(in crate::collect) fn paths(
    explicit: Option<&Path>,
    variable: Option<&OsString>,
    home: Option<&Path>,
) -> Vec<PathBuf> {
    if let Some(path) = explicit {
        return vec![path.to_owned()];
    }
    match variable.filter(|list| !list.is_empty()) {
        Some(list) => {
            let mut paths: Vec<PathBuf> = Vec::new();
            for path in std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            paths
        }
        None => home.map(|home| home.join(".kube").join("config")).into_iter().collect(),
    }
}

impl Kubeconfig {
    /// The names of everything in it.
    pub(in crate::collect) fn names(&self) -> KubeconfigNames {
        let names = |entries: &BTreeMap<String, Entry>| entries.keys().cloned().collect();
        KubeconfigNames { contexts: names(&self.contexts), clusters: names(&self.clusters), users: names(&self.users) }
    }

    /// Reads and merges the files. A missing one is skipped, unless it is the only one because the user named it.
    pub(in crate::collect) fn read(paths: &[PathBuf], must_exist: bool) -> Result<Kubeconfig, LiveError> {
        let mut all = Kubeconfig::default();
        let mut wrong = Vec::new();
        for path in paths {
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    if let Err(message) = all.add(&text, path) {
                        wrong.push(format!("kubeconfig `{}`: {message}", path.display()));
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                    all.missing.push(path.clone());
                }
                Err(error) => wrong.push(format!("kubeconfig `{}` cannot be read: {error}", path.display())),
            }
        }
        if wrong.is_empty() { Ok(all) } else { Err(LiveError::Configuration(wrong.join("; "))) }
    }

    fn add(&mut self, text: &str, file: &Path) -> Result<(), String> {
        // A snippet of the text in an error would show what stands beside the error: tokens and keys.
        let mut options = serde_saphyr::Options::default();
        options.with_snippet = false;
        let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map_or_else(String::new, |place| format!(" at line {}", place.line()));
            format!("this is not YAML{line}; `kubectl config view` shows what kubectl makes of it")
        })?;
        if value.is_null() {
            return Ok(());
        }
        let read: FileIn = serde_json::from_value(value).map_err(|error| shape(&error))?;
        if self.current_context.is_empty() {
            self.current_context = read.current_context.unwrap_or_default();
        }
        for (into, from, what) in [
            (&mut self.contexts, read.contexts, "contexts"),
            (&mut self.clusters, read.clusters, "clusters"),
            (&mut self.users, read.users, "users"),
        ] {
            let mut seen = BTreeMap::new();
            for NamedIn { name, value } in from.unwrap_or_default() {
                if seen.insert(name.clone(), Entry { value, file: file.to_owned() }).is_some() {
                    return Err(format!("`{name}` stands twice in `{what}`"));
                }
            }
            for (name, entry) in seen {
                into.entry(name).or_insert(entry);
            }
        }
        Ok(())
    }

    /// The name of the context that counts, empty for none.
    pub(super) fn context_name<'a>(&'a self, wanted: Option<&'a str>) -> &'a str {
        wanted.unwrap_or(&self.current_context)
    }

    /// A context; one that is wanted by name must exist.
    pub(super) fn context(&self, wanted: Option<&str>) -> Result<Context, LiveError> {
        let name = self.context_name(wanted);
        if name.is_empty() {
            return Ok(Context::default());
        }
        let Some(entry) = self.contexts.get(name) else {
            let which = if wanted.is_some() { "context" } else { "the current context" };
            let known = known("contexts", &self.contexts);
            return Err(LiveError::Configuration(format!("{which} `{name}` does not exist; {known}")));
        };
        let text = |key: &str| match entry.value.get(key) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(entry.wrong("context", name, &format!("`{key}` is not text"))),
        };
        Ok(Context { cluster: text("cluster")?, user: text("user")?, namespace: text("namespace")? })
    }

    /// A cluster; one that is `wanted` by name must exist.
    pub(super) fn cluster(&self, name: &str, wanted: bool) -> Result<Option<Cluster>, LiveError> {
        let found: Option<(Cluster, &Entry)> = entry(&self.clusters, "clusters", "cluster", name, wanted)?;
        Ok(found.map(|(mut cluster, entry)| {
            entry.locate(&mut cluster.certificate_authority);
            cluster
        }))
    }

    /// A user; one that is `wanted` by name must exist.
    pub(super) fn user(&self, name: &str, wanted: bool) -> Result<Option<AuthInfo>, LiveError> {
        let found: Option<(AuthInfo, &Entry)> = entry(&self.users, "users", "user", name, wanted)?;
        Ok(found.map(|(mut user, entry)| {
            entry.locate(&mut user.client_certificate);
            entry.locate(&mut user.client_key);
            entry.locate(&mut user.token_file);
            if let Some(exec) = &mut user.exec
                && exec.command.as_deref().is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR))
            {
                // A command without a separator is looked for in PATH.
                entry.locate(&mut exec.command);
            }
            user
        }))
    }
}

fn entry<'e, T: DeserializeOwned>(
    entries: &'e BTreeMap<String, Entry>,
    plural: &str,
    what: &str,
    name: &str,
    wanted: bool,
) -> Result<Option<(T, &'e Entry)>, LiveError> {
    let Some(entry) = entries.get(name) else {
        if wanted {
            let known = known(plural, entries);
            return Err(LiveError::Configuration(format!("{what} `{name}` does not exist; {known}")));
        }
        return Ok(None);
    };
    let mut value = entry.value.clone();
    match &mut value {
        Value::Null => value = Value::Object(serde_json::Map::new()),
        // An empty text is an absent one to kubectl, and a token of no characters to kube.
        Value::Object(fields) => fields.retain(|_, value| !value.is_null() && value.as_str() != Some("")),
        _ => {}
    }
    let read = serde_json::from_value(value).map_err(|error| entry.wrong(what, name, &shape(&error)))?;
    Ok(Some((read, entry)))
}

impl Entry {
    fn wrong(&self, what: &str, name: &str, message: &str) -> LiveError {
        LiveError::Configuration(format!("kubeconfig `{}`: {what} `{name}`: {message}", self.file.display()))
    }

    /// A relative path is meant from the folder of the file that it stands in.
    fn locate(&self, path: &mut Option<String>) {
        if let (Some(text), Some(folder)) = (path.as_mut(), self.file.parent())
            && Path::new(text).is_relative()
        {
            *text = folder.join(&*text).to_string_lossy().into_owned();
        }
    }
}

/// serde's words without the value, which may be a secret.
fn shape(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if let Some(field) = text.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("a value has the wrong type, expected {expected}"),
        None => "a value has the wrong type".to_owned(),
    }
}

/// How many names of entries an error lists.
const LISTED: usize = 20;

fn known(plural: &str, entries: &BTreeMap<String, Entry>) -> String {
    if entries.is_empty() {
        return format!("no {plural} are known; `kubectl config view` shows what kubectl has");
    }
    let names: Vec<&str> = entries.keys().take(LISTED).map(String::as_str).collect();
    let more = match entries.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("known {plural}: {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(texts: &[&str]) -> Result<Kubeconfig, String> {
        let mut all = Kubeconfig::default();
        for (at, text) in texts.iter().enumerate() {
            all.add(text, &Path::new("dir").join(format!("file-{at}")))?;
        }
        Ok(all)
    }

    #[test]
    fn the_first_file_that_says_something_counts() {
        let first = "current-context: ''\nclusters:\n- name: a\n  cluster: {server: 'https://one'}\n";
        let second = "current-context: two\nclusters:\n- name: a\n  cluster: {server: 'https://two', tls-server-name: x}\n\
                      contexts:\n- name: two\n  context: {cluster: a}\n";
        let all = kubeconfig(&[first, "", second]).unwrap();
        assert_eq!(all.context_name(None), "two");
        let cluster = all.cluster("a", true).unwrap().unwrap();
        assert_eq!((cluster.server.as_deref(), cluster.tls_server_name), (Some("https://one"), None));
    }

    #[test]
    fn paths_are_meant_from_the_file_and_commands_from_path() {
        let all = kubeconfig(&["users:\n- name: u\n  user: {client-key: k.pem, tokenFile: /t, token: '', \
                                exec: {command: kubelogin}}\n- name: v\n  user: {exec: {command: ./bin/login}}\n"])
        .unwrap();
        let user = all.user("u", true).unwrap().unwrap();
        assert_eq!(user.client_key.as_deref(), Some("dir/k.pem"));
        assert_eq!(user.token_file.as_deref(), Some("/t"));
        assert!(user.token.is_none());
        assert_eq!(user.exec.unwrap().command.as_deref(), Some("kubelogin"));
        let command = all.user("v", true).unwrap().unwrap().exec.unwrap().command;
        assert_eq!(command.as_deref(), Some("dir/./bin/login"));
    }

    #[test]
    fn what_does_not_exist_is_said_with_what_does() {
        let all = kubeconfig(&["contexts:\n- name: b\n- name: a\n  context: {}\n"]).unwrap();
        let error = all.context(Some("x")).unwrap_err().to_string();
        assert_eq!(error, "context `x` does not exist; known contexts: a, b");
        assert_eq!(all.context(Some("a")).unwrap(), Context::default());
        assert!(all.cluster("", false).unwrap().is_none());
    }

    #[test]
    fn errors_show_no_value() {
        let wrong = |text: &str| match kubeconfig(&[text]) {
            Ok(all) => all.user("u", true).map(drop).unwrap_err().to_string(),
            Err(error) => error,
        };
        for text in [
            "users:\n- name: u\n  user: {token: {hunter2: hunter2}}\n",
            "users:\n- name: u\n  user: {password: 432143214321}\n",
            "users:\n- name: u\n  user: hunter2\n",
            "users:\n- name: u\n  user: [hunter2\n",
            "users: hunter2\n",
            "users:\n- name: u\n- name: u\n",
        ] {
            let error = wrong(text);
            assert!(!error.contains("hunter2") && !error.contains("4321"), "{error}");
        }
    }

    #[test]
    fn the_variable_wins_over_home_and_the_flag_over_both() {
        let home = Path::new("/home/x");
        let list = OsString::from("/a::/b:/a");
        assert_eq!(paths(None, Some(&list), Some(home)), [Path::new("/a"), Path::new("/b")]);
        assert_eq!(paths(None, Some(&OsString::new()), Some(home)), [Path::new("/home/x/.kube/config")]);
        assert_eq!(paths(None, Some(&OsString::from(":")), Some(home)), [] as [&Path; 0]);
        assert_eq!(paths(Some(Path::new("/c")), Some(&list), Some(home)), [Path::new("/c")]);
    }
}
