//! From the words typed and the kubeconfig files to a connection, exactly as kubectl decides it (client-go
//! `tools/clientcmd/client_config.go`). Nothing is sent here; only a credential plugin is run.
//!
//! Three times kubectl is not followed, where it only misleads: a context that names a missing cluster is an error rather than
//! a try at `localhost:8080`, `--token` wins over a token file, and `--as` works inside of a cluster too.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, KubeconfigError};

use super::kubeconfig::{Kubeconfig, paths};
use super::proxy::ProxyVariables;
use super::{LiveError, exec};

/// kubectl's connection flags, as they were typed.
#[derive(Clone, Default)]
pub struct ConnectionOptions {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-group`.
    pub as_groups: Vec<String>,
    /// `--as-uid`.
    pub as_uid: Option<String>,
    /// `--as-user-extra`, each `KEY=VALUE`.
    pub as_user_extra: Vec<String>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--request-timeout`: seconds, or a number with a unit; `0` is no limit.
    pub request_timeout: Option<String>,
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--cache-dir`: taken because kubectl has it; nothing is cached.
    pub cache_dir: Option<PathBuf>,
    /// Whether a credential plugin may ask on standard input.
    pub standard_input: StandardInput,
}

/// Who reads standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StandardInput {
    /// Nobody yet: a credential plugin may ask there.
    #[default]
    Free,
    /// It is an input of this run.
    Taken,
}

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.token.as_ref().map(|_| "...");
        f.debug_struct("ConnectionOptions")
            .field("context", &self.context)
            .field("token", &secret)
            .finish_non_exhaustive()
    }
}

/// Where a run connects to and as whom. Holds credentials, and shows none of them.
#[derive(Clone)]
pub struct Connection {
    /// The context's name; empty without one.
    pub context: String,
    /// The name of the cluster's entry; empty without one, `in-cluster` inside of a cluster.
    pub cluster: String,
    /// The name of the user's entry; empty without one.
    pub user: String,
    /// The namespace of `-n`, of the context, or of the pod that this runs in; else `default`.
    pub namespace: String,
    /// The server's address.
    pub server: String,
    /// Who is impersonated.
    pub impersonated: Option<String>,
    pub(super) config: Config,
    /// How long one request may take, all tries together.
    pub(super) limit: Option<Duration>,
    /// What to say when the server cannot be reached: it was not the user who named it.
    pub(super) guessed: Option<String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("context", &self.context)
            .field("namespace", &self.namespace)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// What a report calls the cluster: the context, else the cluster's entry, else the address.
    pub fn name(&self) -> &str {
        [&self.context, &self.cluster].into_iter().find(|name| !name.is_empty()).unwrap_or(&self.server)
    }

    /// The host of the server's address, lower-cased.
    pub(super) fn host(&self) -> String {
        self.config.cluster_url.host().unwrap_or_default().to_ascii_lowercase()
    }
}

/// What of the process and the machine counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    pub(super) kubeconfig: Option<OsString>,
    pub(super) home: Option<PathBuf>,
    pub(super) default_server: Option<String>,
    pub(super) proxies: ProxyVariables,
    pub(super) pod: Option<Pod>,
}

/// What a pod knows of its own cluster.
#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) server: String,
    pub(super) token_file: String,
    pub(super) authority: String,
    pub(super) namespace: String,
}

const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Environment {
    fn of_process() -> Environment {
        Environment {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
            default_server: filled(std::env::var("KUBERNETES_MASTER").ok()),
            proxies: ProxyVariables::of_process(),
            pod: Environment::pod(),
        }
    }

    fn pod() -> Option<Pod> {
        let host = filled(std::env::var("KUBERNETES_SERVICE_HOST").ok())?;
        let port = filled(std::env::var("KUBERNETES_SERVICE_PORT").ok())?;
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let token_file = format!("{ACCOUNT}/token");
        let own = || std::fs::read_to_string(format!("{ACCOUNT}/namespace")).ok().map(|text| text.trim().to_owned());
        let namespace = filled(std::env::var("POD_NAMESPACE").ok()).or_else(|| filled(own()));
        Path::new(&token_file).is_file().then(|| Pod {
            server: format!("https://{host}:{port}"),
            token_file,
            authority: format!("{ACCOUNT}/ca.crt"),
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
        })
    }
}

const DEFAULT_NAMESPACE: &str = "default";

/// What kubectl tries when nothing names a server, which is what `kubectl proxy --port=8080` serves.
const DEFAULT_SERVER: &str = "http://localhost:8080";

/// Finds out where to connect to.
///
/// # Errors
/// What is wrong with the flags or the kubeconfig, in one line.
pub fn connection(options: &ConnectionOptions) -> Result<Connection, LiveError> {
    resolve(options, &Environment::of_process())
}

pub(super) fn resolve(options: &ConnectionOptions, environment: &Environment) -> Result<Connection, LiveError> {
    let explicit = options.kubeconfig.as_deref().filter(|path| !path.as_os_str().is_empty());
    let files = paths(explicit, environment.kubeconfig.as_ref(), environment.home.as_deref());
    let kubeconfig = Kubeconfig::read(&files, explicit.is_some())?;
    let wanted = |text: &Option<String>| filled(text.clone());
    let context_name = wanted(&options.context);
    let context = kubeconfig.context(context_name.as_deref())?;
    let (flag_cluster, flag_user) = (wanted(&options.cluster), wanted(&options.user));
    let cluster_name = flag_cluster.clone().unwrap_or(context.cluster);
    let user_name = flag_user.clone().unwrap_or(context.user);
    let found = kubeconfig.cluster(&cluster_name, flag_cluster.is_some())?;
    if found.is_none() && !cluster_name.is_empty() && wanted(&options.server).is_none() {
        let name = kubeconfig.context_name(context_name.as_deref());
        return Err(wrong(format!("context `{name}` names cluster `{cluster_name}`, which no kubeconfig file has")));
    }
    let mut cluster = found.unwrap_or_default();
    override_cluster(&mut cluster, options);
    let mut user = kubeconfig.user(&user_name, flag_user.is_some())?.unwrap_or_default();
    override_user(&mut user, options)?;

    let mut guessed = None;
    let mut namespace = wanted(&options.namespace).or(filled(Some(context.namespace)));
    let mut names = [kubeconfig.context_name(context_name.as_deref()).to_owned(), cluster_name, user_name];
    if cluster.server.is_none()
        && let Some(pod) = &environment.pod
    {
        in_cluster(pod, &mut cluster, &mut user);
        namespace = namespace.or_else(|| Some(pod.namespace.clone()));
        names[1] = "in-cluster".to_owned();
    } else if cluster.server.is_none() {
        guessed = Some(nothing_found(&files, &kubeconfig));
    }
    let server = cluster
        .server
        .clone()
        .or_else(|| environment.default_server.clone())
        .unwrap_or_else(|| DEFAULT_SERVER.to_owned());
    let address = address(&server)?;
    let secure = address.scheme_str() == Some("https");
    if secure {
        read_token(&mut user)?;
        check(&user, &names[2])?;
        exec::run(&mut user, &cluster, options.standard_input)?;
    } else {
        // kubectl reads credentials only for a connection that nobody can listen to.
        user = only_impersonation(user);
    }
    let mut config = Config::new(address);
    let limit = limits(&mut config, options.request_timeout.as_deref())?;
    if secure {
        trust(&mut config, &cluster)?;
    }
    config.proxy_url = proxy(&cluster, &config.cluster_url, &environment.proxies)?;
    config.disable_compression = cluster.disable_compression == Some(true);
    // Retries are ours, where their waiting counts towards the limit.
    config.default_retry = false;
    let impersonated = user.impersonate.clone();
    config.auth_info = user;
    let [context, cluster, user] = names;
    let namespace = namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    Ok(Connection { context, cluster, user, namespace, server, impersonated, config, limit, guessed })
}

fn wrong(message: String) -> LiveError {
    LiveError::Configuration(message)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn path_text(path: Option<&PathBuf>) -> Option<String> {
    filled(path.map(|path| path.to_string_lossy().into_owned()))
}

fn override_cluster(cluster: &mut Cluster, options: &ConnectionOptions) {
    let server = filled(options.server.clone());
    let tls_name = filled(options.tls_server_name.clone());
    if server.is_some() || tls_name.is_some() {
        // The name that a kubeconfig gives is that of its own server.
        cluster.tls_server_name = tls_name;
    }
    cluster.server = server.or(cluster.server.take());
    let authority = path_text(options.certificate_authority.as_ref());
    if options.insecure_skip_tls_verify || authority.is_some() {
        cluster.insecure_skip_tls_verify = Some(options.insecure_skip_tls_verify);
        cluster.certificate_authority = authority;
        cluster.certificate_authority_data = None;
    }
    if options.disable_compression {
        cluster.disable_compression = Some(true);
    }
}

fn override_user(user: &mut AuthInfo, options: &ConnectionOptions) -> Result<(), LiveError> {
    if let Some(token) = filled(options.token.clone()) {
        user.token = Some(token.into());
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
    }
    if let Some(certificate) = path_text(options.client_certificate.as_ref()) {
        user.client_certificate = Some(certificate);
        user.client_certificate_data = None;
    }
    if let Some(key) = path_text(options.client_key.as_ref()) {
        user.client_key = Some(key);
        user.client_key_data = None;
    }
    user.impersonate = filled(options.as_user.clone()).or(user.impersonate.take());
    user.impersonate_uid = filled(options.as_uid.clone()).or(user.impersonate_uid.take());
    if !options.as_groups.is_empty() {
        user.impersonate_groups = Some(options.as_groups.clone());
    }
    let mut extra: HashMap<String, Vec<String>> = HashMap::new();
    for pair in &options.as_user_extra {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(wrong(format!("`{pair}` is no --as-user-extra; write KEY=VALUE")));
        };
        extra.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    user.impersonate_user_extra.get_or_insert_default().extend(extra);
    let more = user.impersonate_uid.is_some()
        || user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty())
        || user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
    if more && user.impersonate.is_none() {
        return Err(wrong("--as-group, --as-uid and --as-user-extra need --as with the user's name".to_owned()));
    }
    Ok(())
}

/// Inside of a cluster the account of the pod is used; a token or an authority of the command line goes before its own.
fn in_cluster(pod: &Pod, cluster: &mut Cluster, user: &mut AuthInfo) {
    cluster.server = Some(pod.server.clone());
    if cluster.certificate_authority.is_none() && cluster.insecure_skip_tls_verify != Some(true) {
        cluster.certificate_authority = Some(pod.authority.clone()).filter(|file| Path::new(file).is_file());
    }
    let token = user.token.take();
    *user = only_impersonation(std::mem::take(user));
    match token {
        Some(token) => user.token = Some(token),
        None => user.token_file = Some(pod.token_file.clone()),
    }
}

fn only_impersonation(user: AuthInfo) -> AuthInfo {
    AuthInfo {
        impersonate: user.impersonate,
        impersonate_uid: user.impersonate_uid,
        impersonate_groups: user.impersonate_groups,
        impersonate_user_extra: user.impersonate_user_extra,
        ..AuthInfo::default()
    }
}

fn nothing_found(files: &[PathBuf], kubeconfig: &Kubeconfig) -> String {
    let list =
        |files: &[PathBuf]| files.iter().map(|file| format!("`{}`", file.display())).collect::<Vec<_>>().join(", ");
    if files.is_empty() {
        "no kubeconfig was found".to_owned()
    } else if kubeconfig.missing.len() == files.len() {
        format!("no kubeconfig was found (there is no {})", list(files))
    } else {
        format!("{} names no server; choose a context with --context or `kubectl config use-context`", list(files))
    }
}

/// The server's address: without a scheme it is plain HTTP, as in kubectl.
fn address(server: &str) -> Result<http::Uri, LiveError> {
    let text = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let parsed: Result<http::Uri, _> = text.parse();
    let good = |uri: &http::Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    parsed.ok().filter(good).ok_or_else(|| wrong(format!("server `{server}` is no address; write https://HOST:PORT")))
}

/// Of a token and a file with one, the file is the fresher. kube would take the line end at its end for a part of it.
fn read_token(user: &mut AuthInfo) -> Result<(), LiveError> {
    let Some(file) = user.token_file.take() else { return Ok(()) };
    match std::fs::read_to_string(&file) {
        Ok(text) => user.token = Some(text.trim().to_owned().into()),
        Err(_) if user.token.is_some() => {}
        Err(error) => return Err(wrong(format!("the token file `{file}` cannot be read: {error}"))),
    }
    Ok(())
}

fn check(user: &AuthInfo, name: &str) -> Result<(), LiveError> {
    if user.token.is_some() && user.username.is_some() {
        return Err(wrong(format!("user `{name}` has both a token and a password; only one of them can be used")));
    }
    let certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    let key = user.client_key.is_some() || user.client_key_data.is_some();
    if certificate && !key {
        return Err(wrong(format!("user `{name}` has a client certificate and no key; give --client-key")));
    }
    if key && !certificate {
        return Err(wrong(format!("user `{name}` has a client key and no certificate; give --client-certificate")));
    }
    Ok(())
}

/// The certificates that the server's own is checked with.
fn trust(config: &mut Config, cluster: &Cluster) -> Result<(), LiveError> {
    config.tls_server_name = cluster.tls_server_name.clone();
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify == Some(true);
    let given = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    if given && config.accept_invalid_certs {
        let message = "a certificate authority and insecure-skip-tls-verify exclude each other; leave one of them out";
        return Err(wrong(message.to_owned()));
    }
    if !given {
        return Ok(());
    }
    // kube reads data and files alike when it prepares what it tells a credential plugin.
    let told = |error: KubeconfigError| {
        // Paths come between quotes of two kinds.
        let message = super::one_line(&error.to_string()).replace("'\"", "`").replace("\"'", "`");
        wrong(format!("{message}; check the kubeconfig's certificate-authority, or give --certificate-authority"))
    };
    let read = ExecAuthCluster::try_from(cluster).map_err(told)?;
    let text = read.certificate_authority_data.unwrap_or_default();
    let certificates: Vec<Vec<u8>> = pem::parse_many(text)
        .map_err(|error| wrong(format!("the certificate authority is no PEM: {error}")))?
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .map(pem::Pem::into_contents)
        .collect();
    if certificates.is_empty() {
        return Err(wrong("the certificate authority holds no certificate".to_owned()));
    }
    config.root_cert = Some(certificates);
    Ok(())
}

fn proxy(cluster: &Cluster, server: &http::Uri, variables: &ProxyVariables) -> Result<Option<http::Uri>, LiveError> {
    let Some(text) = filled(cluster.proxy_url.clone()).or_else(|| variables.proxy_for(server)) else { return Ok(None) };
    // Go resolves names at the proxy for both spellings, and so does kube's connector for the one it knows.
    let known = text.strip_prefix("socks5h://").map_or_else(|| text.clone(), |rest| format!("socks5://{rest}"));
    let proxy: Option<http::Uri> = known.parse().ok();
    let proxy = proxy.filter(|proxy| matches!(proxy.scheme_str(), Some("http" | "https" | "socks5")));
    // The address may hold a password, so it is not shown.
    let message = "the proxy's address (proxy-url, HTTPS_PROXY) is none of http://, https:// or socks5://HOST:PORT";
    proxy.map(Some).ok_or_else(|| wrong(message.to_owned()))
}

/// How long a server may be silent when no limit is given. It answers or refuses a list within a minute itself.
const SILENCE: Duration = Duration::from_secs(75);

fn limits(config: &mut Config, given: Option<&str>) -> Result<Option<Duration>, LiveError> {
    let Some(text) = given.filter(|text| !text.is_empty()) else {
        config.read_timeout = Some(SILENCE);
        // A connection that waited idle for its next request was not silent.
        config.reset_reader_on_write = true;
        return Ok(None);
    };
    let limit = duration(text).ok_or_else(|| {
        wrong(format!("`{text}` is no --request-timeout; write seconds, or a number with a unit such as 30s or 2m"))
    })?;
    if limit.is_zero() {
        config.connect_timeout = None;
        return Ok(None);
    }
    config.connect_timeout = Some(limit);
    Ok(Some(limit))
}

/// Whole seconds, or numbers with units as Go writes durations: `1m30s`, `1.5h`, `500ms`.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests;
