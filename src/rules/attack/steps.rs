//! The steps of the attack graph. There are many, and most are done in a way that follows from what they need and gain, so only what
//! does not follow is kept.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::rc::Rc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::facts::{Effect, Fact, How, Marks, Step};
use super::number;
use crate::graph::BindingIx;
use crate::rules::technique::{Blocker, Technique};

/// How many facts have their steps in one part.
const NEAR: u32 = 64;

/// All steps, each under its number.
#[derive(Default)]
pub(in crate::rules) struct Steps {
    links: Links,
    /// How each is done.
    kept: Vec<Kept>,
    others: Vec<How>,
    blockers: FxHashMap<u32, Rc<[Blocker]>>,
    /// The steps by what they need and gain, but for those that nobody adds twice; in parts by the first need, since steps from
    /// one fact and from those next to it are added one after another.
    seen: Vec<HashTable<u32>>,
}

/// What walks look at: memory is read in lines.
#[derive(Default)]
pub(in crate::rules) struct Links {
    lines: Vec<Line>,
    /// What the steps need, one after another.
    needs: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Line {
    needs: (u32, u32),
    gain: u32,
    marks: Marks,
}

/// How a step is done, as far as it does not follow from what it needs and gains.
#[derive(Clone, Copy)]
enum Kept {
    Member,
    Serves,
    Follows,
    /// The request that is gained.
    AsRole,
    /// The request that is gained, at the place of the only need.
    AsEverything,
    Granted(BindingIx),
    Under(BindingIx),
    /// What is gained.
    Does(&'static Technique),
    /// What a later choice names.
    DoesAny(&'static Technique),
    /// What is gained, of the only need.
    Chooses,
    /// One of the others.
    Other(u32),
}

impl Steps {
    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.links.count()
    }

    /// What walks look at.
    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    /// Adds a step whose needs are sorted, unless one with the same needs and gain is there, whose place it takes if it is surer; one
    /// that is stopped is not the same as one that is not. Gives whether it is new.
    pub(super) fn add(
        &mut self,
        facts: &[Fact],
        needs: &[u32],
        gain: u32,
        how: How,
        blockers: Option<Rc<[Blocker]>>,
    ) -> bool {
        let stopped = blockers.iter().flat_map(|blockers| blockers.iter()).any(|blocker| blocker.stops);
        let key = |gain: u32, stopped: bool, needs: &[u32]| FxBuildHasher.hash_one((gain, stopped, needs));
        let Links { lines, needs: all } = &self.links;
        let of = |line: &Line| &all[line.needs.0 as usize..line.needs.1 as usize];
        let same = |&at: &u32| {
            let other = &lines[at as usize];
            other.gain == gain && other.marks.is_blocked() == stopped && of(other) == needs
        };
        let rehash = |&at: &u32| {
            let line = &lines[at as usize];
            key(line.gain, line.marks.is_blocked(), of(line))
        };
        let part = needs.first().map_or(0, |need| need / NEAR) as usize;
        if part >= self.seen.len() {
            self.seen.resize_with(part + 1, || HashTable::with_capacity(NEAR as usize));
        }
        let known = match self.seen[part].entry(key(gain, stopped, needs), same, rehash) {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(entry) => {
                entry.insert(number(lines.len()));
                None
            }
        };
        if let Some(at) = known {
            let marks = Marks::of(&how, stopped);
            let no_more_blockers = blockers.is_none() || self.blockers.contains_key(&at);
            if no_more_blockers && marks.is_surer(self.links.marks(at)) {
                self.links.lines[at as usize].marks = marks;
                self.kept[at as usize] = self.keep(facts, needs, gain, how);
                self.blockers.remove(&at);
                self.blockers.extend(blockers.map(|blockers| (at, blockers)));
            }
            return false;
        }
        self.push(facts, needs, gain, how, stopped);
        if let Some(blockers) = blockers {
            self.blockers.insert(self.count() - 1, blockers);
        }
        true
    }

    /// Adds a step that nobody else adds.
    pub(super) fn push(&mut self, facts: &[Fact], needs: &[u32], gain: u32, how: How, stopped: bool) {
        let Links { lines, needs: all } = &mut self.links;
        let range = (number(all.len()), number(all.len() + needs.len()));
        all.extend_from_slice(needs);
        lines.push(Line { needs: range, gain, marks: Marks::of(&how, stopped) });
        let kept = self.keep(facts, needs, gain, how);
        self.kept.push(kept);
    }

    fn keep(&mut self, facts: &[Fact], needs: &[u32], gain: u32, how: How) -> Kept {
        let kept = Kept::of(&how, facts, needs, facts[gain as usize]);
        #[cfg(test)]
        assert!(kept.is_none_or(|kept| kept.how(facts, needs, facts[gain as usize]) == how), "{how:?}");
        kept.unwrap_or_else(|| {
            self.others.push(how);
            Kept::Other(number(self.others.len() - 1))
        })
    }

    /// A step.
    pub(super) fn get(&self, facts: &[Fact], at: u32) -> Step<'_> {
        let blockers = self.blockers.get(&at).map_or(&[][..], |blockers| blockers);
        let needs = self.links.needs(at);
        let how = match self.kept[at as usize] {
            Kept::Other(other) => Cow::Borrowed(&self.others[other as usize]),
            kept => Cow::Owned(kept.how(facts, needs, facts[self.links.gain(at) as usize])),
        };
        Step { how, needs, blockers }
    }
}

impl Links {
    /// How many steps there are.
    pub(in crate::rules) fn count(&self) -> u32 {
        number(self.lines.len())
    }

    /// What a step needs, sorted.
    pub(in crate::rules) fn needs(&self, step: u32) -> &[u32] {
        let (from, to) = self.lines[step as usize].needs;
        &self.needs[from as usize..to as usize]
    }

    /// What a step gains.
    pub(in crate::rules) fn gain(&self, step: u32) -> u32 {
        self.lines[step as usize].gain
    }

    /// What matters of a step to a walk.
    pub(in crate::rules) fn marks(&self, step: u32) -> Marks {
        self.lines[step as usize].marks
    }
}

impl Kept {
    /// What does not follow from the needs and the gain; none where that is more than fits.
    fn of(how: &How, facts: &[Fact], needs: &[u32], gain: Fact) -> Option<Kept> {
        let only = match needs {
            &[need] => Some(need),
            _ => None,
        };
        let asked = |request, site| gain == Fact::Request(request, site);
        Some(match *how {
            How::Member => Kept::Member,
            How::Serves => Kept::Serves,
            How::Follows => Kept::Follows,
            How::AsRole { request, site } if asked(request, site) => Kept::AsRole,
            How::AsEverything { request, site, place }
                if asked(request, site) && only.is_some_and(|need| facts[need as usize] == Fact::Everything(place)) =>
            {
                Kept::AsEverything
            }
            How::Granted(binding) => Kept::Granted(binding),
            How::Under(binding) => Kept::Under(binding),
            How::Does { technique, effect: Effect::Any } => Kept::DoesAny(technique),
            How::Does { technique, effect } if gain.effect() == Some(effect) => Kept::Does(technique),
            How::Chooses { of, effect } if only == Some(of) && gain.effect() == Some(effect) => Kept::Chooses,
            _ => return None,
        })
    }

    /// The same with what follows. What does not fit says so by itself: it was kept for this gain.
    fn how(self, facts: &[Fact], needs: &[u32], gain: Fact) -> How {
        let effect = gain.effect().unwrap_or(Effect::Any);
        let need = needs.first().copied();
        match (self, gain) {
            (Kept::Member, _) => How::Member,
            (Kept::Serves, _) => How::Serves,
            (Kept::Granted(binding), _) => How::Granted(binding),
            (Kept::Under(binding), _) => How::Under(binding),
            (Kept::Does(technique), _) => How::Does { technique, effect },
            (Kept::DoesAny(technique), _) => How::Does { technique, effect: Effect::Any },
            (Kept::AsRole, Fact::Request(request, site)) => How::AsRole { request, site },
            (Kept::AsEverything, Fact::Request(request, site)) => match need.map(|need| facts[need as usize]) {
                Some(Fact::Everything(place)) => How::AsEverything { request, site, place },
                _ => How::Follows,
            },
            (Kept::Chooses, _) => need.map_or(How::Follows, |of| How::Chooses { of, effect }),
            (Kept::Follows | Kept::AsRole | Kept::AsEverything | Kept::Other(_), _) => How::Follows,
        }
    }
}
