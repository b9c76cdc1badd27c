//! Who may start, and with what.

use super::Ask;
use crate::model::Subject;
use crate::query::{Standing, SystemFilter, standing};
use crate::rules::attack::{Attack, Fact, Place};
use crate::rules::azure::AzureFact;
use crate::rules::finding::Start;

/// One of those who start.
pub(super) struct Begin {
    pub(super) from: Start,
    /// What they begin with; what is their own comes first.
    pub(super) facts: Box<[u32]>,
}

impl Begin {
    pub(super) fn new(attack: &Attack<'_>, from: Start) -> Begin {
        let facts = match from {
            Start::Subject(subject) => {
                let groups = attack.groups(subject);
                let own = [subject].into_iter().chain(groups.iter().copied()).map(Fact::Identity);
                // Whoever is an account has its pods, which get tokens for whatever audience; whoever has a name in Entra has
                // the roles of it as well.
                let entra = attack.entra(subject).map(|who| Fact::Azure(AzureFact::Token(who)));
                own.chain([Fact::Mints(subject)]).chain(entra).filter_map(|fact| attack.find(fact)).collect()
            }
            Start::Pod(pod) => attack.find(Fact::Pod(pod)).into_iter().collect(),
            Start::Pods(namespace) => attack.find(Fact::Pods(Place::Namespace(namespace))).into_iter().collect(),
            Start::Azure(who) => attack.find(Fact::Azure(AzureFact::Token(who))).into_iter().collect(),
        };
        Begin { from, facts }
    }

    /// The fact that nobody else begins with.
    pub(super) fn own(&self, attack: &Attack<'_>) -> Option<u32> {
        let first = self.facts.first().copied()?;
        let is_own = match (self.from, attack.facts[first as usize]) {
            (Start::Subject(Subject::Group(_)), _) => false,
            (Start::Subject(subject), Fact::Identity(own) | Fact::Acts(own)) => subject == own,
            _ => false,
        };
        is_own.then_some(first)
    }
}

/// Who may start, and who is counted as the platform's.
pub(super) fn sources(attack: &Attack<'_>, ask: &Ask, hidden: &mut usize) -> (Vec<Begin>, Vec<Begin>) {
    let begin = |from: Start| Begin::new(attack, from);
    if ask.from.is_some() {
        return (ask.starts().map(begin).collect(), Vec::new());
    }
    let (mut listed, mut platform) = (Vec::new(), Vec::new());
    for &subject in attack.begin() {
        let standing = standing(attack.graph, attack.cluster, subject, |at| attack.counts(at));
        match (ask.system, standing) {
            (SystemFilter::Show, _)
            | (SystemFilter::Hide, Standing::Other)
            | (SystemFilter::Only, Standing::Kubernetes | Standing::Platform) => {
                listed.push(begin(Start::Subject(subject)))
            }
            (SystemFilter::Hide, Standing::Platform) => platform.push(begin(Start::Subject(subject))),
            (SystemFilter::Hide, Standing::Kubernetes) | (SystemFilter::Only, Standing::Other) => *hidden += 1,
        }
    }
    if ask.system != SystemFilter::Only {
        listed.extend(attack.guests().into_iter().map(Start::Azure).map(begin));
    }
    (listed, platform)
}
