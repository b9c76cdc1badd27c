//! What is asked for when Azure Service Operator is there: its resources, and the Secrets that hold its credentials, each by its
//! name. Secrets are never listed with their content, and of what comes back only names of entries, the ids and a few settings are
//! kept (`aso/entries.rs`).

use std::borrow::Cow;

use futures::StreamExt;
use futures::channel::mpsc;
use rustc_hash::FxHashSet;

use super::LiveOptions;
use super::cluster::{gap, reason};
use super::collections::{Collection, Form, Scope, When};
use super::pages::Paging;
use super::request::{Failure, Sender};
use crate::collect::aso::entries::asked_for;
use crate::collect::document::Needs;
use crate::model::{
    ASO_CREDENTIAL, ASO_NAMESPACES, ASO_SETTINGS, ApiResource, AsoEnv, AsoSecret, AsoSecretContent, ClusterId, Gap,
    GapReason, KindIx, Origin, Snapshot, is_aso_group, is_aso_version,
};

/// A version of an API, small enough to be copied: one of this program's own, or one that ASO makes of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Of(&'static str),
    Aso { prefix: &'static str, date: u32, suffix: &'static str },
}

impl Version {
    /// A version that ASO serves; those of its kinds that are not of ARM are plain.
    fn of_aso(text: &str) -> Option<Version> {
        if text == "v1" {
            return Some(Version::Of("v1"));
        }
        if !is_aso_version(text) {
            return None;
        }
        let prefix = if text.starts_with("v1api") { "v1api" } else { "v" };
        let (date, suffix) = text.strip_prefix(prefix)?.split_at_checked(8)?;
        let suffix = ["", "preview", "storage"].into_iter().find(|known| *known == suffix)?;
        Some(Version::Aso { prefix, date: date.parse().ok()?, suffix })
    }

    pub(super) fn text(self) -> Cow<'static, str> {
        match self {
            Version::Of(text) => Cow::Borrowed(text),
            Version::Aso { prefix, date, suffix } => Cow::Owned(format!("{prefix}{date:08}{suffix}")),
        }
    }
}

/// Secrets that are asked for by their names.
const SECRETS: Collection = Collection {
    group: "",
    version: Version::Of("v1"),
    resource: "secrets",
    kind: "Secret",
    scope: Scope::Namespaced,
    form: Form::Whole,
    when: When::Served,
};

/// Events in which the operator says whose credential it used.
pub(super) const EVENTS: Collection = Collection { resource: "events", kind: "Event", ..SECRETS };

/// The selector that leaves these of all Events.
pub(super) const EVENTS_SELECTOR: &str = "fieldSelector=reason%3DCredentialFrom";

/// The lists of ASO's resources that a server has.
pub(super) fn lists(needs: Needs, served: &[ApiResource]) -> impl Iterator<Item = Collection> {
    let own = served.iter().filter(move |at| needs.escalations && at.subresource.is_empty());
    own.filter_map(|at| {
        let facts = KindIx::of_resource(&at.group, &at.resource)?.facts();
        let version = Version::of_aso(&at.version)?;
        Some(Collection { group: facts.group, version, resource: facts.plural, kind: facts.kind, ..SECRETS })
    })
}

/// Resources of ASO that the server has and this program does not know.
pub(super) fn newer(needs: Needs, served: &[ApiResource]) -> Vec<Gap> {
    let is_own = |at: &&ApiResource| {
        at.group.ends_with(".azure.com") && (is_aso_group(&at.group) || is_aso_version(&at.version))
    };
    let is_known = |at: &ApiResource| {
        KindIx::of_resource(&at.group, &at.resource).is_some() && Version::of_aso(&at.version).is_some()
    };
    let own = served.iter().filter(|at| needs.escalations && at.subresource.is_empty()).filter(is_own);
    own.filter(|at| !is_known(at))
        .map(|at| Gap {
            api_group: at.group.clone(),
            resource: at.resource.clone(),
            namespace: None,
            except: Vec::new(),
            reason: GapReason::NotServed,
            message: format!("{}/{} is newer than what this program knows of ASO", at.group, at.version),
        })
        .collect()
}

/// Secrets asked for at once.
const AT_ONCE: usize = 16;

/// Reads the Secrets of ASO's credentials, if ASO is there; where some may not be read, also what it says of them in its Events.
pub(super) async fn read(
    sender: &Sender,
    options: &LiveOptions,
    parts: &[Snapshot],
    served: &[ApiResource],
    gaps: &mut Vec<Gap>,
) -> Vec<Snapshot> {
    if !options.needs.escalations || !is_there(parts, served) {
        return Vec::new();
    }
    if served.is_empty() {
        // The server does not say what it serves, so that nobody knows in which version to ask for it.
        for (part, at) in parts.iter().flat_map(|part| part.aso_definitions.iter().map(move |at| (part, at))) {
            gaps.push(Gap {
                api_group: part.text(at.group).to_owned(),
                resource: part.text(at.plural).to_owned(),
                message: "in which version it is served is unknown".to_owned(),
                ..gap(SECRETS, GapReason::Failed)
            });
        }
    }
    let one = |place: (String, String)| {
        let sender = sender.clone();
        async move {
            let answer = sender.aso_secret(&place.0, &place.1).await;
            (place, answer)
        }
    };
    // A credential that is there is one of the Secrets of its namespace, whether or not they are listed.
    let all = parts.iter().flat_map(|part| part.secrets.iter().map(move |at| (part, at)));
    let listed: FxHashSet<(&str, &str)> = all.map(|(part, at)| (part.text(at.namespace), part.text(at.name))).collect();
    let places = places(parts, &options.namespace);
    let mut answers = futures::stream::iter(places.into_iter().map(one)).buffered(AT_ONCE);
    let mut part = Snapshot::default();
    let mut refused: Vec<((String, String), Failure)> = Vec::new();
    while let Some(((namespace, name), answer)) = answers.next().await {
        let names = &mut part.names;
        let content = match answer {
            Ok(text) => match asked_for(names, &text, (&namespace, &name)) {
                Ok((secret, known)) => {
                    part.aso_secrets.push(secret);
                    part.secrets.extend(known.filter(|_| !listed.contains(&(namespace.as_str(), name.as_str()))));
                    continue;
                }
                Err(message) => {
                    refused.push(((namespace.clone(), name.clone()), Failure::Unreadable(message)));
                    AsoSecretContent::Unreadable
                }
            },
            Err(Failure::Refused { code: 404, .. }) => AsoSecretContent::Absent,
            Err(failure) => {
                refused.push(((namespace.clone(), name.clone()), failure));
                AsoSecretContent::Unreadable
            }
        };
        let [namespace, name] = [&namespace, &name].map(|text| names.intern(text));
        let (cluster, origin) = (ClusterId::FIRST, Origin::LIVE);
        part.aso_secrets.push(AsoSecret { cluster, namespace, name, content, copied_to: None, origin });
    }
    drop(answers);
    let mut read = vec![part];
    if !refused.is_empty() {
        read.extend(events(sender, options).await);
        gaps.extend(told(&read, &refused));
    }
    read
}

/// Whether anything is known of ASO.
fn is_there(parts: &[Snapshot], served: &[ApiResource]) -> bool {
    let in_part = |part: &Snapshot| {
        !part.aso_definitions.is_empty() || !part.aso_resources.is_empty() || !part.aso_deployments.is_empty()
    };
    parts.iter().any(in_part) || served.iter().any(|at| KindIx::of_resource(&at.group, &at.resource).is_some())
}

/// The Secrets to ask for, as namespace and name: what every namespace may have, what resources ask for, and the settings of the
/// operators.
fn places(parts: &[Snapshot], home: &str) -> Vec<(String, String)> {
    let mut places: FxHashSet<(String, String)> = FxHashSet::default();
    let mut namespaces: FxHashSet<String> = FxHashSet::default();
    let mut has_operator = false;
    for part in parts {
        let text = |name| part.text(name).to_owned();
        namespaces.extend(part.namespaces.iter().map(|at| text(at.name)));
        for at in &part.aso_resources {
            namespaces.insert(text(at.namespace));
            // What has a slash in it is refused, and what is empty is no name.
            let asked = at.credential_from.map(text).filter(|name| is_name(name));
            places.extend(asked.map(|name| (text(at.namespace), name)));
        }
        for at in &part.aso_deployments {
            has_operator = true;
            let of_entry = |env: &AsoEnv| match env {
                AsoEnv::Secret { name, .. } => Some(*name),
                AsoEnv::Value(_) | AsoEnv::Elsewhere => None,
            };
            let named = at.env.iter().filter_map(|(_, env)| of_entry(env)).chain(at.env_from.iter().copied());
            let named = named.map(text).filter(|name| is_name(name));
            places.extend(named.chain([ASO_SETTINGS.to_owned()]).map(|name| (text(at.namespace), name)));
        }
    }
    if namespaces.is_empty() && !home.is_empty() {
        namespaces.insert(home.to_owned());
    }
    if !has_operator {
        places.extend(ASO_NAMESPACES.map(|namespace| (namespace.to_owned(), ASO_SETTINGS.to_owned())));
    }
    places.extend(namespaces.into_iter().map(|namespace| (namespace, ASO_CREDENTIAL.to_owned())));
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort();
    places
}

/// Whether a text can be the name of a Secret.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// What the operator says of the credentials that it used. That these cannot be had either is no further gap.
async fn events(sender: &Sender, options: &LiveOptions) -> Option<Snapshot> {
    let (progress, _nobody) = mpsc::unbounded();
    let paging = Paging { sender: sender.clone(), needs: options.needs, chunk_size: options.chunk_size, progress };
    let all = match paging.read(EVENTS, None).await {
        Err(_) if !options.namespace.is_empty() => paging.read(EVENTS, Some(&options.namespace)).await,
        all => all,
    };
    all.ok().map(|reader| reader.finish().0)
}

/// The gaps for what was refused: one for each reason and name of a Secret.
fn told(read: &[Snapshot], refused: &[((String, String), Failure)]) -> Vec<Gap> {
    let has_events = read.iter().any(|part| !part.aso_events.is_empty());
    let more = if has_events { "; what its Events say of them is used" } else { "" };
    let mut told: Vec<Gap> = Vec::new();
    let mut names: Vec<&str> = refused.iter().map(|((_, name), _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let own: Vec<_> = refused.iter().filter(|((_, at), _)| at == name).collect();
        let Some((_, first)) = own.first() else { continue };
        let message =
            format!("the credentials of ASO in `{name}` of {} are unknown: {}{more}", count(&own), first.message());
        let place = if own.len() == 1 { own.first().map(|((namespace, _), _)| namespace.clone()) } else { None };
        told.push(Gap { namespace: place, message, ..gap(SECRETS, reason(first)) });
    }
    told
}

fn count(own: &[&((String, String), Failure)]) -> String {
    match own {
        [((namespace, _), _)] => format!("namespace {namespace}"),
        several => format!("{} namespaces", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_what_they_were() {
        for text in
            ["v1", "v1api20230101", "v1api20200801preview", "v20220401", "v20000001preview", "v1api20210101storage"]
        {
            assert_eq!(Version::of_aso(text).map(|version| version.text().into_owned()).as_deref(), Some(text));
        }
        for text in ["v2", "v1beta20210101", "v2022040", "v1/../../x"] {
            assert_eq!(Version::of_aso(text), None);
        }
    }
}
