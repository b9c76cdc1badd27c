//! Text in lines of a width, counted as a terminal counts it.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How much of a long word is worth a place at the end of a line.
const WORTH: usize = 8;

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text in lines of at most so many columns: broken at blanks, a word that is too long after a letter that ends a part of it,
/// and wherever it has to be when there is none. There is at least one line, and no line is without a letter, so that a letter that
/// is wider than the width stands alone.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    wrap_from(text, columns, columns)
}

/// The same where the first line has room of its own.
pub(super) fn wrap_from(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    let room = |lines: &[String]| if lines.len() == 1 { first } else { others }.max(1);
    for word in text.split(' ') {
        let columns = room(&lines);
        let blank = usize::from(used > 0);
        let own = width(word);
        if let Some(line) = lines.last_mut().filter(|_| used + blank + own <= columns) {
            line.push_str(if used > 0 { " " } else { "" });
            line.push_str(word);
            used += blank + own;
            continue;
        }
        // A word that no line holds begins on this line where that leaves room for a part of it.
        let mut rest = word;
        if own > columns
            && used > 0
            && let Some(line) = lines.last_mut()
            && let Some(end) = columns.checked_sub(used + 1).and_then(|room| last_part(rest, room))
            && end >= WORTH
            && !rest[..end].ends_with('.')
        {
            line.push(' ');
            line.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        let next = |lines: &[String]| if matches!(lines, [only] if only.is_empty()) { first } else { others }.max(1);
        while width(rest) > next(&lines) {
            let columns = next(&lines);
            let end = last_part(rest, columns).unwrap_or_else(|| fitting(rest, columns));
            start(&mut lines, &rest[..end]);
            rest = &rest[end..];
        }
        if rest.is_empty() && !word.is_empty() {
            used = lines.last().map_or(0, |line| width(line));
            continue;
        }
        start(&mut lines, rest);
        used = width(rest);
    }
    lines
}

/// Begins a line, the first one where that is empty.
fn start(lines: &mut Vec<String>, text: &str) {
    match lines.as_mut_slice() {
        [only] if only.is_empty() => only.push_str(text),
        _ => lines.push(text.to_owned()),
    }
}

/// Where a word is best broken so that what is before takes at most so many columns: after the last letter that ends a part of it,
/// and after a full stop only where there is no other.
fn last_part(word: &str, columns: usize) -> Option<usize> {
    let end = fitting_within(word, columns);
    let last = |ends: &[char]| word[..end].char_indices().rfind(|(_, letter)| ends.contains(letter));
    let (at, letter) = last(&['/', ',', ':', '=', '&']).or_else(|| last(&['.']))?;
    Some(at + letter.len_utf8())
}

/// How much of a word fits, in bytes; at least one letter.
fn fitting(word: &str, columns: usize) -> usize {
    let first = word.chars().next().map_or(0, char::len_utf8);
    fitting_within(word, columns).max(first)
}

/// How much of a text takes at most so many columns, in bytes.
pub(super) fn fitting_within(word: &str, columns: usize) -> usize {
    let mut used = 0;
    for (at, letter) in word.char_indices() {
        used += letter.width().unwrap_or(0);
        if used > columns {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_where_people_would() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("get,list,watch,create secrets", 10), ["get,list,", "watch,", "create", "secrets"]);
        assert_eq!(
            wrap("on /subscriptions/1111/resourceGroups/rg", 18),
            ["on /subscriptions/", "1111/", "resourceGroups/rg"]
        );
        assert_eq!(wrap("on /subscriptions/1111", 15), ["on", "/subscriptions/", "1111"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("a  b", 9), ["a  b"]);
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(wrap("名前 名前", 4), ["名前", "名前"]);
        assert_eq!(wrap("名前名前", 5), ["名前", "名前"]);
        assert_eq!(wrap("名前", 1), ["名", "前"]);
        assert_eq!(width("名前a"), 5);
    }

    #[test]
    fn the_first_line_has_room_of_its_own() {
        assert_eq!(wrap_from("one two three four", 7, 5), ["one two", "three", "four"]);
        assert_eq!(wrap_from("abcdefgh", 4, 3), ["abcd", "efg", "h"]);
        assert_eq!(wrap_from("abcdefgh", 2, 6), ["ab", "cdefgh"]);
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_too_long() {
        for text in ["a bb ccc dddd eeeee", "https://x.example/a/b?c=d&e=f g", "ünïcödé 名前 🦀 x", " lead", "trail "]
        {
            for columns in 2..40 {
                let lines = wrap(text, columns);
                assert!(lines.iter().all(|line| width(line) <= columns), "{text:?} {columns}: {lines:?}");
                let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
                assert_eq!(letters(&lines.concat()), letters(text), "{columns}");
            }
        }
    }
}
