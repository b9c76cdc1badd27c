//! Lines and what may stand at their end.

use std::cell::Cell;
use std::path::Path;

use clap::Command;

use super::values::{Meaning, meaning};
use super::{Completion, Directive, LineInput, Look, complete};
use crate::collect::{DEMO, DEMO_AZURE, FileOptions, Input, KubeconfigNames, Needs, glance, load};
use crate::model::Snapshot;

/// The example company, or a world of the test's own; counts how often it is looked at.
#[derive(Default)]
struct Known {
    world: Option<&'static str>,
    looked: Cell<usize>,
    input: std::cell::RefCell<LineInput>,
}

impl Look for Known {
    fn snapshot(&self, input: &LineInput) -> Option<Snapshot> {
        self.looked.set(self.looked.get() + 1);
        self.input.replace(input.clone());
        match self.world {
            None => {
                let inputs = |files: &'static [_]| files.iter().map(Input::Embedded).collect::<Vec<Input>>();
                glance(&inputs(DEMO), &inputs(DEMO_AZURE), false)
            }
            Some(text) => {
                let options = FileOptions { needs: Needs::ALL, ..FileOptions::default() };
                Some(load(&[Input::Stdin], &mut text.as_bytes(), &options).unwrap())
            }
        }
    }

    fn kubeconfig(&self, file: Option<&Path>) -> KubeconfigNames {
        let contexts = match file {
            Some(file) => vec![format!("of-{}", file.display())],
            None => vec!["dev".to_owned(), "prod".to_owned()],
        };
        KubeconfigNames { contexts, clusters: vec!["aks".to_owned()], users: vec!["me".to_owned()] }
    }
}

fn built() -> Command {
    let mut command = crate::cli::command();
    command.build();
    command
}

/// Completes a line: words divided by single blanks, the cursor at its end.
fn at(line: &str, look: &dyn Look) -> Completion {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    complete(&built(), &words, look)
}

fn words(found: &Completion) -> Vec<&str> {
    found.candidates.iter().map(|candidate| candidate.word.as_str()).collect()
}

/// What is offered for a line about the example company, sorted.
fn check(line: &str, expected: &[&str], directive: Directive) -> Result<(), String> {
    let found = at(line, &Known::default());
    let mut got = words(&found);
    got.sort_unstable();
    if (got.as_slice(), found.directive) == (expected, directive) {
        return Ok(());
    }
    Err(format!("{line}\n  expected {expected:?} {directive:?}\n  found    {got:?} {:?}", found.directive))
}

/// Stops with every line that is not as it should be.
#[track_caller]
fn all_right(checked: impl IntoIterator<Item = Result<(), String>>) {
    let wrong: Vec<String> = checked.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_about_the_example() {
    let lines = [
        // Commands.
        ("who", &["who-can"][..]),
        ("wh", &["what-can", "who-can", "why"]),
        ("he", &["help"]),
        ("ver", &["version"]),
        ("help wha", &["what-can"]),
        ("help help", &[]),
        ("help who-can ", &[]),
        ("nonsense ", &[]),
        ("nonsense --", &[]),
        // Flags and their values.
        ("who-can --all", &["--all-namespaces"]),
        ("who-can --all-namespaces --all", &[]),
        ("who-can -A --all", &[]),
        ("who-can -f x --filen", &["--filename"]),
        ("who-can --system ", &["hide", "only", "show"]),
        ("who-can --system=h", &["hide"]),
        ("who-can --kind ", &["group", "serviceaccount", "user"]),
        ("who-can -o c", &["csv", "custom-columns-file=", "custom-columns="]),
        ("who-can -o=ya", &["yaml"]),
        ("who-can -o jsonpath-f", &["jsonpath-file="]),
        ("who-can --save cs", &["csv="]),
        ("escalations -o t", &["table", "tree"]),
        ("review -o n", &["ndjson"]),
        ("escalations --power r", &["read", "roles"]),
        ("escalations --fail-on h", &["high"]),
        ("who-can --authorizers node,", &["node,azure", "node,rbac"]),
        ("who-can --this-cluster contoso-h", &["contoso-hub"]),
        ("who-can --max", &[]),
        ("escalations --max-steps ", &[]),
        ("escalations -- --", &[]),
        // Verbs, resources, names.
        ("who-can imp", &["impersonate"]),
        ("who-can create pods/ex", &["pods/exec"]),
        ("who-can get deploym", &["deployments"]),
        ("who-can get events", &["events", "events.events.k8s.io"]),
        ("who-can get roleassignments", &["roleassignments"]),
        ("who-can approve ", &["signers"]),
        ("who-can get /he", &["/healthz"]),
        ("who-can get namespaces pr", &["prod"]),
        ("who-can -n shared get secrets ", &["db-password", "storage-credential"]),
        ("who-can get pods --subresource e", &["ephemeralcontainers", "eviction", "exec"]),
        ("who-can get pods name more ", &[]),
        ("why user:x get secr", &["secrets"]),
        ("who-can get pods -n de", &["dev"]),
        ("who-can get pods -nde", &[]),
        ("who-can get pods --namespace=de", &["dev"]),
        // Things.
        ("what-can u", &["user:"]),
        ("what-can ", &["group:", "node:", "sa:", "user:"]),
        ("what-can group:dev", &["group:dev-team"]),
        ("why sa:cicd/d", &["sa:cicd/deployer"]),
        ("what-can --group platform", &["platform-engineers"]),
        ("escalations --from=group:dev", &["group:dev-team"]),
        ("escalations --to cl", &["cluster-admin", "cluster:"]),
        ("escalations --to secrets:pr", &["secrets:prod"]),
        ("escalations --to namespace-admin:pr", &["namespace-admin:prod"]),
        ("escalations --from robot:", &[]),
        (
            "escalations --without clusterrolebinding:x,clusterrolebinding:argo",
            &["clusterrolebinding:x,clusterrolebinding:argocd-application-controller"],
        ),
        // What the catalogue has.
        ("explain bind-", &["bind-held-role", "bind-role"]),
        ("explain ASO-001", &["ASO-001"]),
        ("checks --only ASO-002,ASO-001", &["ASO-002,ASO-001"]),
        ("checks --only ASO-001,ASO-001", &[]),
        // The kubeconfig.
        ("who-can --context ", &["dev", "prod"]),
        ("who-can --kubeconfig k --context ", &["of-k"]),
        ("--context p", &["prod"]),
        ("who-can --cluster ", &["aks"]),
        ("who-can --user ", &["me"]),
        ("who-can --as-group platform", &["platform-engineers"]),
        ("completion ", &["bash", "fish", "install", "powershell", "zsh"]),
    ];
    all_right(lines.into_iter().map(|(line, expected)| {
        let goes_on = expected.iter().any(|word| word.ends_with([':', '=']));
        check(line, expected, if goes_on { Directive::GOES_ON } else { Directive::ONLY })
    }));
}

#[test]
fn files_and_folders_are_the_shells_to_offer() {
    let files = [
        "who-can -f ",
        "who-can --azure x",
        "escalations --baseline=",
        "snapshot ",
        "who-can --save csv=",
        "review a b c",
        "who-can --kubeconfig ",
    ];
    all_right(files.map(|line| check(line, &[], Directive::FILES)));
    let folders = ["azure-export ", "completion install --dir ", "who-can --cache-dir "];
    all_right(folders.map(|line| check(line, &[], Directive::FOLDERS)));
}

#[test]
fn every_command_and_every_flag_is_offered() {
    let root = built();
    let mut open = vec![(Vec::new(), &root)];
    while let Some((before, command)) = open.pop() {
        let line = |last: &str| before.iter().copied().chain([last]).collect::<Vec<&str>>().join(" ");
        let offered = at(&line("-"), &Known::default());
        let offered = words(&offered);
        for arg in command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
            let long = format!("--{}", arg.get_long().unwrap());
            assert!(offered.contains(&long.as_str()), "{before:?}: {long}");
        }
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let found = at(&line(""), &Known::default());
            let candidate = found.candidates.iter().find(|candidate| candidate.word == inner.get_name()).unwrap();
            assert!(!candidate.about.is_empty(), "{}", candidate.word);
            open.push((before.iter().copied().chain([inner.get_name()]).collect(), inner));
        }
    }
}

#[test]
fn every_argument_that_names_something_means_something() {
    // What is thought of freely, and nothing else.
    const FREE: &[&str] = &[
        "azure_action",
        "subject",
        "max_steps",
        "kube_version",
        "now",
        "chunk_size",
        "server",
        "token",
        "as_uid",
        "as_user_extra",
        "tls_server_name",
        "request_timeout",
        "verbosity",
        "depth",
        "max_nodes",
        "sort_by",
    ];
    for command in built().get_subcommands().filter(|command| command.get_name() != "help") {
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            let free = meaning(command.get_name(), arg) == Meaning::Free;
            let id = arg.get_id().as_str();
            assert!(!free || FREE.contains(&id), "{} {id}: say in values.rs what it means", command.get_name());
        }
    }
}

#[test]
fn the_formats_offered_are_those_that_there_are() {
    for command in [
        "who-can get pods",
        "what-can user:x",
        "why user:x get pods",
        "review -",
        "escalations",
        "aso",
        "checks",
        "graph",
    ] {
        let name = command.split(' ').next().unwrap();
        let found = at(&format!("{name} -o "), &Known::default());
        let words = ["x"].into_iter().chain(command.split(' ')).chain(["--demo", "-o", "?"]);
        let world = &mut crate::cli::World {
            stdin: &mut std::io::empty(),
            progress: &|_| (),
            now: 0,
            terminal: Default::default(),
        };
        let outcome = crate::cli::run(words.map(Into::into), world);
        let offered: Vec<&str> = found.candidates.iter().map(|candidate| candidate.word.as_str()).collect();
        let told = outcome.notes.concat();
        let (_, allowed) = told.split_once("allowed formats are: ").unwrap_or_else(|| panic!("{told}"));
        assert_eq!(offered.join(", ").replace('=', ""), allowed, "{command}");
    }
}

#[test]
fn nothing_is_read_that_the_line_does_not_call_for() {
    let known = Known::default();
    for line in [
        "",
        "w",
        "who-can ",
        "who-can --",
        "explain ",
        "checks --only A",
        "what-can u",
        "who-can --context ",
        "who-can -f ",
    ] {
        at(line, &known);
        assert_eq!(known.looked.get(), 0, "{line}");
    }
    at("who-can -R -f a -f=b --azure c get pods -n ", &known);
    let input = known.input.take();
    assert_eq!(input.files, ["a".to_owned(), "b".to_owned()].map(std::path::PathBuf::from));
    assert_eq!((input.azure.len(), input.recursive, input.demo), (1, true, false));
    at("who-can --demo get pods -n ", &known);
    assert!(known.input.take().demo);
}

#[test]
fn fingerprints_are_those_of_escalations() {
    // No command has such a flag in every build; the one that will is like this.
    let command = Command::new("x")
        .subcommand(Command::new("graph").arg(clap::Arg::new("finding").long("finding").value_name("FINGERPRINT")));
    let mut command = command;
    command.build();
    let words: Vec<String> = ["graph", "--finding", ""].map(str::to_owned).into();
    let found = complete(&command, &words, &Known::default());
    assert!(found.candidates.len() > 10);
    let world = &mut crate::cli::World {
        stdin: &mut std::io::empty(),
        progress: &|_| (),
        now: 0,
        terminal: Default::default(),
    };
    let listed = crate::cli::run(["x", "escalations", "--demo", "-o", "json"].map(Into::into), world).out;
    for candidate in &found.candidates {
        assert!(listed.contains(&format!("\"{}\"", candidate.word)), "{}", candidate.word);
        assert!(candidate.about.contains(": "), "{}", candidate.about);
    }
}

#[test]
fn names_that_a_shell_would_run_are_never_offered() {
    let world = r##"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: x}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "$(reboot)"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a;reboot"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a b"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a`id`"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a'b"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a\tb"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a\nb\n:0"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a\u001b[31m"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a!b"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "a\u202eb"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "ann#EXT#@contoso.example"}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: "https://issuer.example#1"}
"##;
    let known = Known { world: Some(world), ..Known::default() };
    let found = at("what-can user:", &known);
    assert_eq!(words(&found), ["user:ann#EXT#@contoso.example", "user:https://issuer.example#1"]);
    let text = found.text();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.ends_with("\n:4\n"));
}

#[test]
fn where_there_are_many_the_namespace_comes_first() {
    let mut world = String::new();
    for at in 0..120 {
        world.push_str(&format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{{\"namespace\":\"ns-{}\",\"name\":\"a{at}\"}}}}\n",
            at % 3
        ));
    }
    let known = Known { world: Some(world.leak()), ..Known::default() };
    let found = at("what-can sa:", &known);
    assert_eq!((words(&found), found.directive), (vec!["sa:ns-0/", "sa:ns-1/", "sa:ns-2/"], Directive::GOES_ON));
    let found = at("what-can sa:ns-1/", &known);
    assert_eq!((found.candidates.len(), found.directive), (40, Directive::ONLY));
}
