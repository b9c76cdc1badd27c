//! Text of the input on its way to a terminal: names are chosen by whoever may create objects, so nothing in them may steer it.

use std::borrow::Cow;

/// The text with control characters, line ends and direction marks shown as escapes; and so that no runner of a pipeline, which
/// reads what is printed, takes a part of it for a command.
pub fn safe(text: &str) -> Cow<'_, str> {
    let colons = text.trim_start().starts_with("::");
    if !text.contains(is_unsafe) && !colons && !is_command(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for (at, letter) in text.char_indices() {
        match letter {
            '#' if is_command_at(&text[at..]) => shown.push_str("\\u{23}"),
            ':' if colons && text[..at].trim_start().is_empty() => shown.push_str("\\u{3a}"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            letter if is_unsafe(letter) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            letter => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// Whether the runner of a pipeline would find a command in a line: `##[...]` of GitHub's and Azure's runners and `##vso[...]` of
/// Azure's are seen anywhere in it (<https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands>).
pub(super) fn is_command(text: &str) -> bool {
    text.match_indices("##").any(|(at, _)| is_command_at(&text[at..]))
}

pub(super) fn is_command_at(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("##") else { return false };
    rest.starts_with('[') || rest.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("vso["))
}

/// Control characters, and the marks that change the direction or hide (Unicode bidirectional algorithm, "Trojan Source").
pub(super) fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(safe("plain-name_1 ünïcödé 名"), "plain-name_1 ünïcödé 名");
        assert_eq!(safe("::error::x ::y"), "\\u{3a}:error::x ::y");
        assert_eq!(safe("  ::error"), "  \\u{3a}:error");
        assert_eq!(safe("a ##vso[task.x]b ##[y] ###[z] ## w"), "a \\u{23}#vso[task.x]b \\u{23}#[y] #\\u{23}#[z] ## w");
        assert_eq!(safe("system::node a::b #1 ##"), "system::node a::b #1 ##");
        assert_eq!(safe("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
    }
}
