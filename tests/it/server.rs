//! An API server that is a function: plain HTTP on a free port of this machine, for runs of the whole program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the server says: a status and a body.
pub(crate) type Answer = (u16, String);

/// Starts a server that answers each path (with its query); it ends with the test program. Gives its address.
pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || serve(&connection.unwrap(), &*answer));
        }
    });
    address
}

/// Answers the requests of one connection until it is closed.
fn serve(mut connection: &TcpStream, answer: &dyn Fn(&str) -> Answer) {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.by_ref().take(length).read_to_end(&mut Vec::new()).unwrap();
        let (code, body) = answer(first.split(' ').nth(1).unwrap());
        let head = format!(
            "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\nset-cookie: PLANTED-COOKIE\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        if connection.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).is_err() {
            return;
        }
    }
}

/// A kubeconfig for a server, in a folder. Its token is planted.
pub(crate) fn kubeconfig(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         contexts: [{{name: test, context: {{cluster: c, user: carol, namespace: dev}}}}]\n\
         clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: carol, user: {{token: PLANTED-TOKEN}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// What a server says that knows the user and lets her see nothing.
pub(crate) fn refusing(path: &str) -> Answer {
    match path {
        "/version" => (200, r#"{"gitVersion":"v1.36.3"}"#.to_owned()),
        "/api" | "/apis" => (200, r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.to_owned()),
        _ => {
            let (path, _) = path.split_once('?').unwrap_or((path, ""));
            let resource = path.rsplit('/').next().unwrap_or_default();
            let message = format!("{resource} is forbidden: User \\\"carol\\\" cannot list resource");
            (403, format!(r#"{{"kind":"Status","message":"{message}","reason":"Forbidden","code":403}}"#))
        }
    }
}

/// What a server says that has these objects, each list whole, and nothing else.
pub(crate) fn holding(lists: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Answer + Send + Sync {
    move |path| {
        let (bare, _) = path.split_once('?').unwrap_or((path, ""));
        match lists.iter().find(|(list, _)| *list == bare) {
            Some((_, items)) => {
                (200, format!(r#"{{"kind":"List","metadata":{{"resourceVersion":"1"}},"items":[{items}]}}"#))
            }
            None if ["/version", "/api", "/apis"].contains(&bare) => refusing(bare),
            None => (200, r#"{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}"#.to_owned()),
        }
    }
}
