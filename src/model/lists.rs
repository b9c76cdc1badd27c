//! Lists of names that many objects have in common, each distinct one stored once.

use super::intern::{Name, Slices, index_u32};

/// A distinct list of a [`NameLists`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameListId(u32);

impl NameListId {
    /// The list of nothing.
    pub const EMPTY: NameListId = NameListId(0);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The distinct lists of a snapshot.
pub struct NameLists(Slices<Name>);

impl Default for NameLists {
    fn default() -> Self {
        let mut lists = Slices::default();
        // INVARIANT: `NameListId::EMPTY` is the first list of every table.
        lists.intern(&[]);
        NameLists(lists)
    }
}

impl NameLists {
    /// The number of a list, added if it is new.
    pub fn intern(&mut self, names: &[Name]) -> NameListId {
        NameListId(self.0.intern(names))
    }

    /// The names behind a number that this table gave out, in the order in which they were read.
    pub fn get(&self, id: NameListId) -> &[Name] {
        self.0.get(id.0)
    }

    /// Adds what another table holds, whose names were moved; gives the new number of each old one.
    pub(super) fn absorb(&mut self, other: &NameLists, moved: &[Name]) -> Vec<NameListId> {
        let list =
            |at: usize| -> Vec<Name> { other.0.get(index_u32(at)).iter().map(|name| moved[name.index()]).collect() };
        (0..other.0.len()).map(|at| self.intern(&list(at))).collect()
    }
}
