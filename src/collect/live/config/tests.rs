//! Flags, kubeconfig files and surroundings together decide where a run connects to.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

const TWO: &str = "
current-context: one
contexts:
- {name: one, context: {cluster: a, user: u, namespace: dev}}
- {name: two, context: {cluster: b, user: nobody}}
- {name: lost, context: {cluster: gone}}
clusters:
- {name: a, cluster: {server: 'https://a:6443/base/?x=1', tls-server-name: inside, proxy-url: 'socks5h://p:1080'}}
- {name: b, cluster: {server: 'https://b', insecure-skip-tls-verify: true, disable-compression: true}}
users:
- {name: u, user: {token: secret-token, as: boss, as-groups: [g]}}
- {name: both, user: {token: secret-token, username: x, password: pw}}
- {name: half, user: {client-certificate-data: eA==}}
";

struct Place {
    environment: Environment,
    folder: tempfile::TempDir,
}

impl Place {
    /// A home folder whose kubeconfig is this text.
    fn with(kubeconfig: Option<&str>) -> Place {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".kube")).unwrap();
        if let Some(text) = kubeconfig {
            std::fs::write(folder.path().join(".kube/config"), text).unwrap();
        }
        let environment = Environment { home: Some(folder.path().to_owned()), ..Environment::default() };
        Place { environment, folder }
    }

    fn resolve(&self, options: ConnectionOptions) -> Result<Connection, String> {
        resolve(&options, &self.environment).map_err(|error| {
            let line = error.to_string();
            assert!(!line.contains('\n') && !line.contains("secret-token"), "{line}");
            line.replace(&self.folder.path().display().to_string(), "HOME")
        })
    }
}

fn flags(set: impl FnOnce(&mut ConnectionOptions)) -> ConnectionOptions {
    let mut options = ConnectionOptions::default();
    set(&mut options);
    options
}

fn names(connection: &Connection) -> [&str; 4] {
    [&connection.context, &connection.cluster, &connection.user, &connection.namespace]
}

fn token(connection: &Connection) -> Option<String> {
    serde_json::to_value(&connection.config.auth_info).unwrap()["token"].as_str().map(str::to_owned)
}

#[test]
fn the_current_context_counts_and_flags_go_before_it() {
    let place = Place::with(Some(TWO));
    let one = place.resolve(ConnectionOptions::default()).unwrap();
    assert_eq!(names(&one), ["one", "a", "u", "dev"]);
    assert_eq!(one.config.cluster_url.to_string(), "https://a:6443/base/");
    assert_eq!(one.config.tls_server_name.as_deref(), Some("inside"));
    assert_eq!(one.config.proxy_url.as_ref().unwrap().to_string(), "socks5://p:1080/");
    assert_eq!((token(&one).as_deref(), one.impersonated.as_deref()), (Some("secret-token"), Some("boss")));
    assert_eq!(one.name(), "one");

    let two = place.resolve(flags(|at| at.context = Some("two".into()))).unwrap();
    assert_eq!(names(&two), ["two", "b", "nobody", "default"]);
    assert!(two.config.accept_invalid_certs && two.config.disable_compression && token(&two).is_none());

    let mixed = place
        .resolve(flags(|at| {
            at.cluster = Some("b".into());
            at.namespace = Some("prod".into());
            at.token = Some("mine".into());
            at.as_user = Some("alice".into());
            at.as_user_extra = vec!["k=v=w".into(), "k=x".into()];
        }))
        .unwrap();
    assert_eq!(names(&mixed), ["one", "b", "u", "prod"]);
    assert_eq!((token(&mixed).as_deref(), mixed.impersonated.as_deref()), (Some("mine"), Some("alice")));
    let user = &mixed.config.auth_info;
    assert_eq!(user.impersonate_groups.as_deref(), Some(&["g".to_owned()][..]));
    assert_eq!(user.impersonate_user_extra.as_ref().unwrap()["k"], ["v=w", "x"]);
    // The name that the certificate of `a` bears says nothing about another server.
    let moved = place.resolve(flags(|at| at.server = Some("https://elsewhere".into()))).unwrap();
    assert_eq!((moved.server.as_str(), &moved.config.tls_server_name), ("https://elsewhere", &None));
}

#[test]
fn no_secret_is_shown() {
    let place = Place::with(Some(TWO));
    let options = flags(|at| at.token = Some("secret-token".into()));
    let shown = format!("{options:?} {:?}", place.resolve(options.clone()).unwrap());
    assert!(!shown.contains("secret-token"), "{shown}");
}

#[test]
fn without_a_kubeconfig_there_is_what_kubectl_tries() {
    let place = Place::with(None);
    let guessed = place.resolve(ConnectionOptions::default()).unwrap();
    assert_eq!((guessed.server.as_str(), guessed.name()), ("http://localhost:8080", "http://localhost:8080"));
    assert!(guessed.guessed.unwrap().starts_with("no kubeconfig was found (there is no `"));
    let direct = flags(|at| {
        at.server = Some("https://x:1".into());
        at.token = Some("t".into());
        at.as_user = Some("alice".into());
    });
    let direct = place.resolve(direct).unwrap();
    assert_eq!((direct.name(), direct.guessed.is_none(), token(&direct).as_deref()), ("https://x:1", true, Some("t")));
}

#[test]
fn credentials_are_not_sent_in_the_clear() {
    let place = Place::with(Some(TWO));
    for server in ["http://proxy:8001", "proxy:8001"] {
        let clear = place.resolve(flags(|at| at.server = Some(server.into()))).unwrap();
        assert_eq!(clear.config.cluster_url.to_string(), "http://proxy:8001/");
        assert_eq!((token(&clear), clear.impersonated.as_deref()), (None, Some("boss")));
    }
}

#[test]
fn inside_a_cluster_the_pods_own_account_is_used() {
    let mut place = Place::with(None);
    let token_file = place.folder.path().join("token").display().to_string();
    std::fs::write(&token_file, "of-the-pod\n").unwrap();
    place.environment.pod = Some(Pod {
        server: "https://10.0.0.1:443".into(),
        token_file,
        authority: "/no/ca.crt".into(),
        namespace: "jobs".into(),
    });
    let own = place.resolve(flags(|at| at.as_user = Some("alice".into()))).unwrap();
    assert_eq!(names(&own), ["", "in-cluster", "", "jobs"]);
    assert_eq!(token(&own).as_deref(), Some("of-the-pod"));
    assert_eq!((own.server.as_str(), own.impersonated.as_deref()), ("https://10.0.0.1:443", Some("alice")));
    let other = place.resolve(flags(|at| at.token = Some("t".into()))).unwrap();
    assert_eq!(token(&other).as_deref(), Some("t"));
    // A kubeconfig that names a server goes before it, as does --server.
    std::fs::write(place.folder.path().join(".kube/config"), TWO).unwrap();
    assert_eq!(place.resolve(ConnectionOptions::default()).unwrap().cluster, "a");
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let place = Place::with(Some(TWO));
    let context = |name: &str| flags(|at| at.context = Some(name.to_owned()));
    let user = |name: &str| flags(|at| at.user = Some(name.to_owned()));
    let file = |name: &str| place.folder.path().join(name);
    std::fs::write(file("ca.pem"), "no certificate").unwrap();
    let cases: Vec<(ConnectionOptions, &str)> = vec![
        (context("x"), "context `x` does not exist; known contexts: lost, one, two"),
        (context("lost"), "context `lost` names cluster `gone`, which no kubeconfig file has"),
        (user("x"), "user `x` does not exist; known users: both, half, u"),
        (flags(|at| at.cluster = Some("x".into())), "cluster `x` does not exist; known clusters: a, b"),
        (user("both"), "user `both` has both a token and a password; only one of them can be used"),
        (user("half"), "user `half` has a client certificate and no key; give --client-key"),
        (
            flags(|at| at.client_key = Some("k".into())),
            "user `u` has a client key and no certificate; give --client-certificate",
        ),
        (
            flags(|at| {
                at.context = Some("two".into());
                at.as_groups = vec!["g".into()];
            }),
            "--as-group, --as-uid and --as-user-extra need --as with the user's name",
        ),
        (flags(|at| at.as_user_extra = vec!["k".into()]), "`k` is no --as-user-extra; write KEY=VALUE"),
        (
            flags(|at| at.request_timeout = Some("soon".into())),
            "`soon` is no --request-timeout; write seconds, or a number with a unit such as 30s or 2m",
        ),
        (flags(|at| at.server = Some("ftp://x".into())), "server `ftp://x` is no address; write https://HOST:PORT"),
        (flags(|at| at.certificate_authority = Some(file("ca.pem"))), "the certificate authority holds no certificate"),
        (
            flags(|at| {
                at.certificate_authority = Some(file("ca.pem"));
                at.insecure_skip_tls_verify = true;
            }),
            "a certificate authority and insecure-skip-tls-verify exclude each other; leave one of them out",
        ),
        (
            flags(|at| at.kubeconfig = Some(file("none"))),
            "kubeconfig `HOME/none` cannot be read: No such file or directory (os error 2)",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(place.resolve(options).map(drop), Err(expected.to_owned()));
    }
    let missing = place.resolve(flags(|at| at.certificate_authority = Some(file("none")))).unwrap_err();
    assert!(missing.starts_with("failed to load certificate authority"), "{missing}");
}

#[test]
fn a_list_of_files_is_one_kubeconfig_and_may_have_holes() {
    let mut place = Place::with(Some(TWO));
    let folder = place.folder.path().to_owned();
    let first = folder.join("first");
    std::fs::write(&first, "contexts:\n- {name: one, context: {cluster: b}}\n").unwrap();
    let list = |files: &[PathBuf]| Some(std::env::join_paths(files).unwrap());
    place.environment.kubeconfig = list(&[folder.join("none"), first, folder.join(".kube/config")]);
    assert_eq!(names(&place.resolve(ConnectionOptions::default()).unwrap()), ["one", "b", "", "default"]);
    place.environment.kubeconfig = list(&[folder.join("none")]);
    let guessed = place.resolve(ConnectionOptions::default()).unwrap().guessed.unwrap();
    assert!(guessed.contains("none`)"), "{guessed}");
    place.environment.kubeconfig = Some(OsString::new());
    assert_eq!(place.resolve(ConnectionOptions::default()).unwrap().context, "one");
    // Everything that is wrong is said at once.
    std::fs::write(folder.join("bad"), "[").unwrap();
    std::fs::write(folder.join("worse"), "contexts: 7").unwrap();
    place.environment.kubeconfig = list(&[folder.join("bad"), folder.join("worse")]);
    let error = place.resolve(ConnectionOptions::default()).unwrap_err();
    assert!(error.contains("HOME/bad") && error.contains("HOME/worse"), "{error}");
}

#[test]
fn durations_are_read_as_go_writes_them() {
    for (text, seconds) in
        [("0", 0.0), ("5", 5.0), ("5s", 5.0), ("1m", 60.0), ("1m30s", 90.0), ("1.5h", 5400.0), ("250ms", 0.25)]
    {
        assert_eq!(duration(text), Some(Duration::from_secs_f64(seconds)), "{text}");
    }
    for text in ["", "s", "5x", "-5s", "1m 30s", "1e3s", "9999999999999999h"] {
        assert_eq!(duration(text), None, "{text}");
    }
    let place = Place::with(Some(TWO));
    let limit = |text: &str| place.resolve(flags(|at| at.request_timeout = Some(text.to_owned()))).unwrap();
    assert_eq!((limit("2m").limit, limit("2m").config.read_timeout), (Some(Duration::from_secs(120)), None));
    assert_eq!((limit("0").limit, limit("0").config.read_timeout), (None, None));
    let unsaid = place.resolve(ConnectionOptions::default()).unwrap();
    assert_eq!((unsaid.limit, unsaid.config.read_timeout), (None, Some(SILENCE)));
}
