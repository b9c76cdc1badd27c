//! Interning: each distinct string, and each distinct slice of small values, is stored once and named by a number.
//! What the numbers mean for RBAC is decided elsewhere.

use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A string of the input, interned in a [`Names`].
///
/// Two names of one `Names` are equal exactly when their texts are, byte for byte, which is how RBAC compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(NonZeroU32);

impl Name {
    /// The empty string: the core API group, or the name of a request that has none.
    pub const EMPTY: Name = Name::at(0);
    /// `*`.
    pub const STAR: Name = Name::at(1);

    const fn at(index: u32) -> Name {
        match NonZeroU32::new(index.saturating_add(1)) {
            Some(value) => Name(value),
            None => Name(NonZeroU32::MIN),
        }
    }

    pub(super) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// A small count stored among names; only the encoding of a rule in `rule.rs` uses it.
    pub(super) fn from_count(count: usize) -> Name {
        Name::at(index_u32(count))
    }
}

/// The distinct strings of a snapshot.
pub struct Names {
    text: String,
    ends: Vec<usize>,
    by_text: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names {
            text: String::new(),
            ends: Vec::new(),
            by_text: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        // INVARIANT: `Name::EMPTY` and `Name::STAR` are the first two names of every table.
        names.intern("");
        names.intern("*");
        names
    }
}

impl Names {
    /// The name of a text, added if it is new.
    pub fn intern(&mut self, text: &str) -> Name {
        let hash = self.hasher.hash_one(text);
        let Names { text: all, ends, by_text, hasher } = self;
        let entry =
            by_text.entry(hash, |&at| slice(all, ends, at) == text, |&at| hasher.hash_one(slice(all, ends, at)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => Name::at(*found.get()),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let at = index_u32(ends.len());
                free.insert(at);
                all.push_str(text);
                ends.push(all.len());
                Name::at(at)
            }
        }
    }

    /// The name of a text, if the input has it at all.
    pub fn find(&self, text: &str) -> Option<Name> {
        let hash = self.hasher.hash_one(text);
        self.by_text.find(hash, |&at| slice(&self.text, &self.ends, at) == text).map(|&at| Name::at(at))
    }

    /// The text of a name that this table gave out.
    pub fn text(&self, name: Name) -> &str {
        let at = name.index();
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    /// How many distinct strings there are.
    #[expect(clippy::len_without_is_empty, reason = "never empty: it always holds the empty string and the star")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// One table for several: its names are in the order of their texts (after `""` and `*`), so that sorting by name
    /// sorts by text and is the same in every run. Gives the new name of each old one, table by table.
    ///
    /// O(n log n) in the distinct strings.
    pub fn unite(tables: &[Names]) -> (Names, Vec<Vec<Name>>) {
        let mut all = Names::default();
        let merged: Vec<Vec<Name>> =
            tables.iter().map(|table| table.texts().map(|text| all.intern(text)).collect()).collect();
        let mut order: Vec<u32> = (2..index_u32(all.len())).collect();
        order.sort_unstable_by(|&a, &b| slice(&all.text, &all.ends, a).cmp(slice(&all.text, &all.ends, b)));
        let mut sorted = Names::default();
        sorted.text.reserve_exact(all.text.len());
        sorted.ends.reserve_exact(all.len());
        sorted.by_text.reserve(all.len(), |&at| at.into());
        let mut rank = vec![Name::EMPTY; all.len()];
        rank[1] = Name::STAR;
        for at in order {
            rank[at as usize] = sorted.append_new(slice(&all.text, &all.ends, at));
        }
        sorted.rehash();
        let moved =
            merged.into_iter().map(|table| table.into_iter().map(|name| rank[name.index()]).collect()).collect();
        (sorted, moved)
    }

    /// Every name with its text.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &str)> {
        (0..).map(Name::at).zip(self.texts())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        (0..index_u32(self.len())).map(|at| slice(&self.text, &self.ends, at))
    }

    fn append_new(&mut self, text: &str) -> Name {
        let at = index_u32(self.ends.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
        Name::at(at)
    }

    fn rehash(&mut self) {
        let Names { text, ends, by_text, hasher } = self;
        let mut table = HashTable::with_capacity(ends.len());
        for at in 0..index_u32(ends.len()) {
            let hash = hasher.hash_one(slice(text, ends, at));
            table.insert_unique(hash, at, |&at| hasher.hash_one(slice(text, ends, at)));
        }
        *by_text = table;
    }
}

fn slice<'a>(text: &'a str, ends: &[usize], at: u32) -> &'a str {
    let at = at as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &text[start..ends[at]]
}

/// Distinct slices of small values, stored one after another and hash-consed: equal slices have equal numbers.
pub struct Slices<T> {
    items: Vec<T>,
    ends: Vec<u32>,
    by_content: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Slices<T> {
    fn default() -> Self {
        Slices {
            items: Vec::new(),
            ends: Vec::new(),
            by_content: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<T: Copy + Eq + Hash> Slices<T> {
    /// The number of a slice, added if it is new.
    pub fn intern(&mut self, slice: &[T]) -> u32 {
        let hash = self.hasher.hash_one(slice);
        let Slices { items, ends, by_content, hasher } = self;
        let entry =
            by_content.entry(hash, |&at| part(items, ends, at) == slice, |&at| hasher.hash_one(part(items, ends, at)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let at = index_u32(ends.len());
                free.insert(at);
                items.extend_from_slice(slice);
                ends.push(index_u32(items.len()));
                at
            }
        }
    }

    /// The slice behind a number that this table gave out.
    pub fn get(&self, at: u32) -> &[T] {
        part(&self.items, &self.ends, at)
    }

    /// How many distinct slices there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing was interned.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Every distinct slice, in the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..index_u32(self.len())).map(|at| self.get(at))
    }
}

fn part<'a, T>(items: &'a [T], ends: &[u32], at: u32) -> &'a [T] {
    let at = at as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] };
    &items[start as usize..ends[at] as usize]
}

/// An index as the 32 bits it is stored in.
#[expect(clippy::expect_used, reason = "four billion entries of any table do not fit in memory first")]
pub(super) fn index_u32(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than four billion entries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_name() {
        let mut names = Names::default();
        let pods = names.intern("pods");
        assert_eq!(names.intern("pods"), pods);
        assert_ne!(names.intern("Pods"), pods);
        assert_eq!(names.text(pods), "pods");
        assert_eq!((names.intern(""), names.intern("*")), (Name::EMPTY, Name::STAR));
        assert_eq!(names.find("nodes"), None);
    }

    #[test]
    fn united_names_sort_as_their_texts() {
        let (mut a, mut b) = (Names::default(), Names::default());
        let (z, m) = (a.intern("zeta"), a.intern("mid"));
        let (m2, alpha) = (b.intern("mid"), b.intern("alpha"));
        let (all, moved) = Names::unite(&[a, b]);
        let (z, m) = (moved[0][z.index()], moved[0][m.index()]);
        let (m2, alpha) = (moved[1][m2.index()], moved[1][alpha.index()]);
        assert_eq!(m, m2);
        assert!(alpha < m && m < z);
        assert_eq!([alpha, m, z].map(|name| all.text(name)), ["alpha", "mid", "zeta"]);
        assert_eq!(all.find("alpha"), Some(alpha));
        assert_eq!((all.find(""), all.find("*")), (Some(Name::EMPTY), Some(Name::STAR)));
    }

    #[test]
    fn slices_are_stored_once() {
        let mut slices = Slices::default();
        let (empty, one) = (slices.intern(&[]), slices.intern(&[7_u32]));
        assert_eq!(slices.intern(&[7]), one);
        assert_eq!(slices.intern(&[]), empty);
        assert_eq!((slices.get(one), slices.get(empty), slices.len()), (&[7][..], &[][..], 2));
    }
}
