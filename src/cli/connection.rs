//! kubectl's own connection flags, with kubectl's letters and meaning (cli-runtime `config_flags.go`).

use std::path::PathBuf;

use clap::Args;

use crate::collect::{ConnectionOptions, StandardInput};

/// Which cluster, and as whom.
#[derive(Default, Args)]
#[command(next_help_heading = "Connection (as in kubectl)")]
pub(super) struct ConnectionArgs {
    /// The kubeconfig file.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// The cluster of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    cluster: Option<String>,
    /// The user of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    user: Option<String>,
    /// The address of the API server.
    #[arg(short, long, global = true, value_name = "URL", hide_short_help = true)]
    server: Option<String>,
    /// The bearer token.
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true)]
    token: Option<String>,
    /// The user to impersonate.
    #[arg(long = "as", global = true, value_name = "USER", hide_short_help = true)]
    as_user: Option<String>,
    /// A group to impersonate; several times.
    #[arg(long = "as-group", global = true, value_name = "GROUP", hide_short_help = true)]
    as_groups: Vec<String>,
    /// The UID to impersonate.
    #[arg(long, global = true, value_name = "UID", hide_short_help = true)]
    as_uid: Option<String>,
    /// An extra field to impersonate; several times.
    #[arg(long, global = true, value_name = "KEY=VALUE", hide_short_help = true)]
    as_user_extra: Vec<String>,
    /// The file with the server's certificate authority.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    certificate_authority: Option<PathBuf>,
    /// The file with the client's certificate.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    client_certificate: Option<PathBuf>,
    /// The file with the client's key.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    client_key: Option<PathBuf>,
    /// The name that the server's certificate must have.
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    tls_server_name: Option<String>,
    /// Do not check the server's certificate: anybody on the way may read and change everything.
    #[arg(long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_skip_tls_verify: Option<bool>,
    /// How long one request may take, such as 5s or 1m; 0 is no limit.
    #[arg(long, global = true, value_name = "DURATION", hide_short_help = true)]
    request_timeout: Option<String>,
    /// Taken because kubectl has it; nothing is cached.
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    cache_dir: Option<PathBuf>,
    /// Do not ask for compressed answers.
    #[arg(long, global = true, hide_short_help = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_compression: Option<bool>,
}

impl std::fmt::Debug for ConnectionArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is nobody's business.
        f.debug_struct("ConnectionArgs").field("context", &self.context).finish_non_exhaustive()
    }
}

impl ConnectionArgs {
    /// The flags as the collector takes them.
    pub(super) fn options(&self, namespace: Option<&str>, standard_input: StandardInput) -> ConnectionOptions {
        ConnectionOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: namespace.map(str::to_owned),
            server: self.server.clone(),
            token: self.token.clone(),
            as_user: self.as_user.clone(),
            as_groups: self.as_groups.clone(),
            as_uid: self.as_uid.clone(),
            as_user_extra: self.as_user_extra.clone(),
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.unwrap_or(false),
            request_timeout: self.request_timeout.clone(),
            disable_compression: self.disable_compression.unwrap_or(false),
            cache_dir: self.cache_dir.clone(),
            standard_input,
        }
    }
}
