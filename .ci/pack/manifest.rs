//! The krew manifest of a release, from the one in the repository.

use std::collections::BTreeMap;

/// Where a platform begins in the manifest.
const PLATFORM: &str = "    - selector:";

/// The manifest with this version, and with address and checksum of each archive. A platform without an archive is left out, since
/// krew would fail on it; an archive that no platform names is an error. `sums` is by file name.
///
/// Works on lines and not on parsed YAML, so that what a person wrote stays as it was written.
pub(crate) fn render(template: &str, version: &str, sums: &BTreeMap<String, String>) -> Result<String, String> {
    let mut blocks: Vec<String> = vec![String::new()];
    for line in template.lines().skip_while(|line| line.starts_with('#')) {
        if line == PLATFORM {
            blocks.push(String::new());
        }
        let line = if line.starts_with("  version: ") { format!("  version: v{version}") } else { line.to_owned() };
        if let Some(block) = blocks.last_mut() {
            block.push_str(&line);
            block.push('\n');
        }
    }
    let mut rendered = blocks.remove(0);
    let mut missing: Vec<&str> = sums.keys().map(String::as_str).collect();
    for block in blocks {
        let uri = field(&block, "uri").ok_or_else(|| format!("a platform has no uri:\n{block}"))?;
        let old_sum = field(&block, "sha256").ok_or_else(|| format!("a platform has no sha256:\n{block}"))?;
        let Some((releases, name)) = uri
            .split_once("/releases/download/")
            .and_then(|(releases, path)| Some((releases, path.rsplit_once('/')?.1)))
        else {
            return Err(format!("`{uri}` is no address of a release"));
        };
        let Some(sum) = sums.get(name) else { continue };
        let address = format!("{releases}/releases/download/v{version}/{name}");
        rendered.push_str(&block.replace(uri, &address).replace(old_sum, sum));
        missing.retain(|file| *file != name);
    }
    match missing.as_slice() {
        _ if sums.is_empty() => Err("there is no archive to render a manifest for".to_owned()),
        [] => Ok(rendered),
        files => Err(format!("no platform of krew-manifest.yaml names {}", files.join(", "))),
    }
}

/// The value of a key that a platform has once, without quotes.
fn field<'a>(block: &'a str, key: &str) -> Option<&'a str> {
    let value = block.lines().find_map(|line| line.trim_start().strip_prefix(key)?.strip_prefix(": "))?;
    Some(value.trim_matches('"'))
}
