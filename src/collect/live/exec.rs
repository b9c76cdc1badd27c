//! Credential plugins, such as kubelogin: run once, their answer becomes the token or the certificate of the run.
//!
//! The protocol is `client.authentication.k8s.io` (client-go `plugin/pkg/client/auth/exec/exec.go`). kube would run the plugin
//! once for the header and once for TLS, which asks an interactive user twice, and puts the plugin's output into its errors.

use std::io::IsTerminal;
use std::process::{Command, Stdio};

use base64::Engine;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::{Deserialize, Serialize};

use super::{LiveError, StandardInput, one_line};

const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    api_version: &'a str,
    kind: &'static str,
    spec: RequestSpec,
}

#[derive(Serialize)]
struct RequestSpec {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ExecAuthCluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: String,
    #[serde(default)]
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct AnswerStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin of a user, if there is one and nothing else says who the user is, and puts its answer in its place.
pub(super) fn run(user: &mut AuthInfo, cluster: &Cluster, input: StandardInput) -> Result<(), LiveError> {
    let Some(exec) = user.exec.take() else { return Ok(()) };
    let known = user.token.is_some()
        || user.username.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    if known {
        return Ok(());
    }
    let command = exec.command.clone().unwrap_or_default();
    let failed = |why: String| LiveError::Configuration(format!("the credential plugin `{command}` {why}"));
    let status = answer(&exec, cluster, input).map_err(failed)?;
    match (status.client_certificate_data, status.client_key_data) {
        (Some(certificate), Some(key)) => {
            let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
            user.client_certificate_data = Some(encode(certificate));
            user.client_key_data = Some(encode(key).into());
        }
        (None, None) if status.token.is_none() => return Err(failed("gave neither a token nor a certificate".into())),
        (None, None) => {}
        _ => return Err(failed("gave a certificate or a key, but not both".into())),
    }
    user.token = status.token.map(Into::into);
    Ok(())
}

fn answer(exec: &ExecConfig, cluster: &Cluster, input: StandardInput) -> Result<AnswerStatus, String> {
    let version = exec.api_version.as_deref().unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return Err(format!("wants apiVersion `{version}`, which is none of {}", VERSIONS.join(", ")));
    }
    let terminal = input == StandardInput::Free && std::io::stdin().is_terminal();
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        None | Some(ExecInteractiveMode::IfAvailable) => terminal,
        Some(ExecInteractiveMode::Always) if terminal => true,
        Some(ExecInteractiveMode::Always) => return Err("wants to ask you, and standard input is no terminal".into()),
    };
    let about = if exec.provide_cluster_info {
        Some(ExecAuthCluster::try_from(cluster).map_err(|error| format!("needs the certificate authority: {error}"))?)
    } else {
        None
    };
    let request =
        Request { api_version: version, kind: "ExecCredential", spec: RequestSpec { interactive, cluster: about } };
    let info = serde_json::to_string(&request).map_err(|error| error.to_string())?;
    let mut command = Command::new(exec.command.as_deref().filter(|name| !name.is_empty()).ok_or("has no command")?);
    command.args(exec.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", info);
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
    // What the plugin has to say to the user, such as a code to type into a browser, it says there.
    command.stderr(Stdio::inherit()).stdout(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output).map_err(|error| {
        let hint = exec.install_hint.as_deref().map_or_else(String::new, |hint| format!("; {}", one_line(hint)));
        match error.kind() {
            std::io::ErrorKind::NotFound => format!("is not installed{hint}"),
            _ => format!("cannot be run: {error}{hint}"),
        }
    })?;
    if !output.status.success() {
        return Err(format!("failed ({}); run it yourself to see why", output.status));
    }
    let mut options = serde_saphyr::Options::default();
    options.with_snippet = false;
    let text = String::from_utf8(output.stdout).map_err(|_| "answered with something that is no text")?;
    let answer: Answer = serde_saphyr::from_str_with_options(&text, options)
        .map_err(|_| "answered with something that is no ExecCredential")?;
    if answer.api_version != version {
        return Err(format!("answered as {}, not as {version}", one_line(&answer.api_version)));
    }
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let status = answer.status.unwrap_or_default();
    Ok(AnswerStatus {
        token: filled(status.token),
        client_certificate_data: filled(status.client_certificate_data),
        client_key_data: filled(status.client_key_data),
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn plugin(script: &str, more: &str) -> AuthInfo {
        let text = format!(
            r#"{{"exec": {{"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", {script:?}]{more}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn token(mut user: AuthInfo) -> Result<String, String> {
        let cluster = Cluster { server: Some("https://c".to_owned()), ..Cluster::default() };
        run(&mut user, &cluster, StandardInput::Taken).map_err(|error| error.to_string())?;
        // The token is out of reach by design; serde shows it.
        Ok(serde_json::to_value(&user).unwrap()["token"].as_str().unwrap_or_default().to_owned())
    }

    const ANSWER: &str =
        r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}'"#;

    #[test]
    fn the_answer_is_the_users_token() {
        assert_eq!(token(plugin(&format!("{ANSWER} secret"), "")), Ok("secret".to_owned()));
        let variable = r#", "env": [{"name": "MINE", "value": "its"}]"#;
        assert_eq!(token(plugin(&format!("{ANSWER} \"$MINE\""), variable)), Ok("its".to_owned()));
        let about = format!(r#"{ANSWER} "$(printf %s "$KUBERNETES_EXEC_INFO" | tr -d '"')""#);
        let info = token(plugin(&about, r#", "provideClusterInfo": true"#)).unwrap();
        assert!(info.contains("interactive:false") && info.contains("server:https://c"), "{info}");
    }

    #[test]
    fn a_failed_plugin_is_one_line_without_its_output() {
        let mut missing = plugin("", r#", "installHint": "get\nit""#);
        missing.exec.as_mut().unwrap().command = Some("no-such-plugin".to_owned());
        assert_eq!(token(missing), Err("the credential plugin `no-such-plugin` is not installed; get it".to_owned()));
        for script in ["echo hunter2; exit 3", "echo hunter2", "echo '{\"apiVersion\": \"v9\", \"t\": \"hunter2\"}'"] {
            let error = token(plugin(script, "")).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
        }
        let always = plugin(ANSWER, r#", "interactiveMode": "Always""#);
        assert!(token(always).unwrap_err().contains("no terminal"));
    }

    #[test]
    fn a_token_of_its_own_needs_no_plugin() {
        let mut user = plugin("exit 1", "");
        user.token = Some("given".to_owned().into());
        assert_eq!(token(user), Ok("given".to_owned()));
    }
}
