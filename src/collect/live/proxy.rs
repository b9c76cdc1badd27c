//! Which proxy leads to a server, by the rules that kubectl has from Go (`golang.org/x/net/http/httpproxy`).
//!
//! kube's own reading of the variables is not used: it compares NO_PROXY with the proxy's address instead of the server's.

use std::net::IpAddr;

/// The variables, upper-case spelling first.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxyVariables {
    pub(super) http: String,
    pub(super) https: String,
    pub(super) except: String,
}

impl ProxyVariables {
    /// Those of this process.
    pub(super) fn of_process() -> ProxyVariables {
        let any = |names: [&str; 2]| {
            names.into_iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty())
        };
        ProxyVariables {
            http: any(["HTTP_PROXY", "http_proxy"]).unwrap_or_default(),
            https: any(["HTTPS_PROXY", "https_proxy"]).unwrap_or_default(),
            except: any(["NO_PROXY", "no_proxy"]).unwrap_or_default(),
        }
    }

    /// The proxy for a server, if one is to be used.
    pub(super) fn proxy_for(&self, server: &http::Uri) -> Option<String> {
        let (given, port) = match server.scheme_str() {
            Some("https") => (&self.https, 443),
            _ => (&self.http, 80),
        };
        let host = server.host()?.trim_start_matches('[').trim_end_matches(']').to_lowercase();
        if given.is_empty() || !self.proxied(&host, server.port_u16().unwrap_or(port)) {
            return None;
        }
        Some(if given.contains("://") { given.clone() } else { format!("http://{given}") })
    }

    fn proxied(&self, host: &str, port: u16) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return false;
        }
        let except = self.except.to_lowercase();
        !except.split(',').map(str::trim).any(|entry| matches(entry, host, address, port))
    }
}

/// Whether an entry of NO_PROXY (`*`, an address, a range, a domain, each of the last three with a port or without) is meant.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry.is_empty() || entry == "*" {
        return entry == "*";
    }
    if let Some((network, length)) = entry.split_once('/')
        && let (Ok(network), Ok(length)) = (network.parse(), length.parse())
    {
        return address.is_some_and(|address| contains(network, length, address));
    }
    let (name, wanted) = with_port(entry);
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(given) = name.parse::<IpAddr>() {
        return address.is_some_and(|address| address.to_canonical() == given.to_canonical());
    }
    if address.is_some() || name.is_empty() {
        return false;
    }
    // `example.com` is the domain and all below it, `.example.com` and `*.example.com` only what is below.
    let name = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|before| before.ends_with('.')),
    }
}

/// `host:port` or `[v6]:port` in its parts; anything else has no port.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host.trim_start_matches('[').trim_end_matches(']'), Some(port)),
            Err(_) => (entry, None),
        },
        None => (entry.trim_start_matches('[').trim_end_matches(']'), None),
    }
}

fn contains(network: IpAddr, length: u32, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let ((a, width), (b, other)) = (bits(network), bits(address));
    width == other && length <= width && (length == 0 || (a ^ b) >> (128 - length) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, except: &str) -> Option<String> {
        let variables =
            ProxyVariables { https: "proxy:3128".to_owned(), http: String::new(), except: except.to_owned() };
        variables.proxy_for(&server.parse().unwrap())
    }

    #[test]
    fn no_proxy_is_about_the_server() {
        assert_eq!(proxy("https://api.example.com:6443", "").as_deref(), Some("http://proxy:3128"));
        assert_eq!(proxy("http://api.example.com", ""), None, "HTTP_PROXY is not set");
        for (server, except) in [
            ("https://localhost:6443", ""),
            ("https://127.8.9.1:6443", ""),
            ("https://[::1]:6443", ""),
            ("https://api.example.com", "*"),
            ("https://api.example.com", "a, example.com ,b"),
            ("https://example.com", "example.com"),
            ("https://api.EXAMPLE.com", ".example.com"),
            ("https://api.example.com", "*.example.com"),
            ("https://api.example.com:6443", "example.com:6443"),
            ("https://api.example.com", "example.com:443"),
            ("https://10.1.2.3", "10.0.0.0/8"),
            ("https://10.1.2.3:6443", "10.1.2.3"),
            ("https://[fd00::5]:6443", "fd00::/8"),
            ("https://[fd00::5]:6443", "[fd00::5]:6443"),
        ] {
            assert_eq!(proxy(server, except), None, "{server} with {except}");
        }
        for (server, except) in [
            ("https://api.example.com", ",,"),
            ("https://example.com", ".example.com"),
            ("https://badexample.com", "example.com"),
            ("https://api.example.com:6443", "example.com:443"),
            ("https://11.1.2.3", "10.0.0.0/8,11.1.2.4,11.1.2.3:80"),
            ("https://10.1.2.3", "fd00::/8"),
            ("https://10.1.2.3", "2.3"),
        ] {
            assert!(proxy(server, except).is_some(), "{server} with {except}");
        }
    }
}
