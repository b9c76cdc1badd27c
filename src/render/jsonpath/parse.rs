//! The template as it is written.

use super::{Operator, Path, Piece, Slice, Step, To};

/// Reads a text from its beginning to its end.
pub(super) struct Parser<'t> {
    rest: &'t str,
}

/// What an action is for.
enum Action {
    Path(Path),
    Range(Path),
    End,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parser<'t> {
        Parser { rest: text }
    }

    /// All pieces, those of a range inside of it.
    pub(super) fn template(mut self) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        // The ranges that are open, each with what came before it.
        let mut open: Vec<(Path, Vec<Piece>)> = Vec::new();
        while !self.rest.is_empty() {
            let text = self.take_until(|letter| letter == '{');
            if !text.is_empty() {
                pieces.push(Piece::Text(text.to_owned()));
            }
            if self.take("{").is_none() {
                break;
            }
            match self.action()? {
                Action::Path(path) => pieces.push(Piece::Action(path)),
                Action::Range(path) => open.push((path, std::mem::take(&mut pieces))),
                Action::End => {
                    let (path, before) = open.pop().ok_or("{end} without a {range}")?;
                    let inner = std::mem::replace(&mut pieces, before);
                    pieces.push(Piece::Range(path, inner));
                }
            }
        }
        if open.is_empty() { Ok(pieces) } else { Err("a {range} has no {end}".to_owned()) }
    }

    /// What stands between braces, the first of which is read.
    fn action(&mut self) -> Result<Action, String> {
        self.take_until(|letter| letter != ' ');
        if let Some(rest) = self.keyword("range") {
            self.rest = rest;
            return self.steps(true).map(Action::Range);
        }
        if let Some(rest) = self.keyword("end") {
            self.rest = rest;
            let more = self.steps(true)?;
            return if more.is_empty() { Ok(Action::End) } else { Err("{end} stands alone".to_owned()) };
        }
        self.steps(true).map(Action::Path)
    }

    /// What follows a word, if that is next.
    fn keyword(&self, word: &str) -> Option<&'t str> {
        self.rest.strip_prefix(word).filter(|rest| rest.chars().next().is_none_or(is_terminator))
    }

    /// Steps up to the closing brace, or to the end of the text.
    fn steps(&mut self, braces: bool) -> Result<Path, String> {
        let mut path = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('}').filter(|_| braces) {
                self.rest = rest;
                return Ok(path);
            }
            if self.take("[?(").is_some() {
                path.push(self.filter()?);
                continue;
            }
            if self.take("..").is_some() {
                if path.last() == Some(&Step::Below) {
                    return Err("`..` stands twice".to_owned());
                }
                path.push(Step::Below);
                if self.rest.starts_with(is_word) {
                    path.push(self.field());
                }
                continue;
            }
            let Some(letter) = self.rest.chars().next() else {
                return if braces { Err("a `{` is not closed".to_owned()) } else { Ok(path) };
            };
            match letter {
                '\n' | '\r' => return Err("a `{` is not closed on its line".to_owned()),
                ' ' | '@' | '$' => self.rest = &self.rest[1..],
                '[' => path.extend(self.brackets()?),
                '"' | '\'' => path.push(self.quoted(letter)?),
                '.' => {
                    self.rest = &self.rest[1..];
                    path.push(self.field());
                }
                letter if letter == '+' || letter == '-' || letter.is_numeric() => path.push(self.number()?),
                letter if is_word(letter) => match self.take_until(is_terminator) {
                    "true" => path.push(Step::Literal(true.into())),
                    "false" => path.push(Step::Literal(false.into())),
                    word => return Err(format!("`{word}` is no part of a path; write .{word} or \"{word}\"")),
                },
                other => return Err(format!("`{other}` is no part of a path")),
            }
        }
    }

    /// The name of a field; a backslash takes the meaning from the letter after it.
    fn field(&mut self) -> Step {
        let mut name = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            if letter == '\\' {
                name.extend(letters.next().map(|(_, escaped)| escaped).filter(|&escaped| escaped != '\\'));
            } else if is_terminator(letter) {
                end = at;
                break;
            } else {
                name.push(letter);
            }
        }
        let bare = &self.rest[..end];
        self.rest = &self.rest[end..];
        if bare == "*" { Step::Wildcard } else { Step::Field(name) }
    }

    fn number(&mut self) -> Result<Step, String> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let len = self.rest[sign..].find(|letter: char| letter != '.' && !letter.is_numeric());
        let (text, rest) = self.rest.split_at(len.map_or(self.rest.len(), |len| len + sign));
        self.rest = rest;
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Step::Literal(number.into()));
        }
        text.parse::<f64>().map(|number| Step::Literal(number.into())).map_err(|_| format!("`{text}` is no number"))
    }

    /// A text in quotes, with the escapes of Go.
    fn quoted(&mut self, quote: char) -> Result<Step, String> {
        let unclosed = || "a quoted text is not closed on its line".to_owned();
        let mut escaped = false;
        let mut end = None;
        for (at, letter) in self.rest.char_indices().skip(1) {
            if letter == '\n' {
                return Err(unclosed());
            }
            if letter == quote && !escaped {
                end = Some(at);
                break;
            }
            // Only the letter right before counts, as for kubectl.
            escaped = letter == '\\';
        }
        let end = end.ok_or_else(unclosed)?;
        let text = unquoted(&self.rest[1..end], quote)?;
        self.rest = &self.rest[end + 1..];
        Ok(Step::Literal(text.into()))
    }

    /// `[...]`: a key, a slice, or several of them.
    fn brackets(&mut self) -> Result<Path, String> {
        let end = self.rest.find([']', '\n']).filter(|&at| self.rest[at..].starts_with(']'));
        let end = end.ok_or("a `[` is not closed on its line")?;
        let inner = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        if inner.contains(',') {
            let paths = inner.split(',').map(|part| bracketed(part.trim_matches(' ')));
            return Ok(vec![Step::Union(paths.collect::<Result<_, _>>()?)]);
        }
        bracketed(inner)
    }

    /// `...)]`, of which `[?(` is read.
    fn filter(&mut self) -> Result<Step, String> {
        let mut quote = None;
        let mut closed = false;
        let mut last = ' ';
        let mut end = None;
        for (at, letter) in self.rest.char_indices() {
            match (letter, quote) {
                ('\n', _) => break,
                ('"' | '\'', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open && last != '\\' => closed = true,
                (')', _) if quote.is_some() == closed => {
                    end = Some(at);
                    break;
                }
                _ => {}
            }
            last = letter;
        }
        let end = end.ok_or("a filter is not closed on its line")?;
        let inner = &self.rest[..end];
        self.rest = self.rest[end + 1..].strip_prefix(']').ok_or("a filter ends in `)]`")?;
        let is_operator = |letter: char| matches!(letter, '!' | '<' | '>' | '=');
        let Some(first) = inner.find(is_operator).filter(|&at| at > 0) else {
            return Ok(Step::Filter { left: Parser::new(inner).steps(false)?, compared: None });
        };
        let (left, rest) = inner.split_at(first);
        let len = rest.find(|letter| !is_operator(letter)).ok_or("a filter compares with nothing")?;
        let (operator, right) = rest.split_at(len);
        let operator = match operator {
            "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterEqual,
            other => return Err(format!("`{other}` compares nothing; use ==, !=, <, <=, > or >=")),
        };
        let (left, right) = (Parser::new(left).steps(false)?, Parser::new(right).steps(false)?);
        Ok(Step::Filter { left, compared: Some((operator, right)) })
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'t str {
        let (text, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        text
    }
}

/// What one pair of brackets holds.
fn bracketed(text: &str) -> Result<Path, String> {
    let key = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|key| !key.contains('\''));
    if let Some(key) = key {
        // kubectl reads it as `.key`, so that a dot inside of it needs a backslash.
        return Parser::new(&format!(".{key}")).steps(false);
    }
    let text = if text == "*" { ":" } else { text };
    let wrong = || format!("`[{text}]` is neither an index, nor a slice, nor a key in single quotes");
    let mut parts = text.split(':');
    let (from, to, step) = (parts.next(), parts.next(), parts.next());
    if parts.next().is_some() || text.is_empty() {
        return Err(wrong());
    }
    let number = |part: Option<&str>| match part {
        None | Some("") => Ok(None),
        Some(part) => part.parse::<i64>().map(Some).ok().filter(|_| !part.starts_with('+')).ok_or_else(wrong),
    };
    let from = number(from)?;
    let to = match (to, number(to)?) {
        (None, _) => To::One,
        (Some(_), None) => To::End,
        (Some(_), Some(before)) => To::Before(before),
    };
    Ok(vec![Step::Slice(Slice { from, to, step: number(step)? })])
}

/// The text behind a quoted one, by the escapes of Go (<https://go.dev/ref/spec#Rune_literals>).
fn unquoted(text: &str, quote: char) -> Result<String, String> {
    let wrong = || format!("`{text}` has a backslash that escapes nothing");
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let escaped = letters.next().ok_or_else(wrong)?;
        let digits = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        plain.push(match escaped {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            escaped if escaped == quote => quote,
            _ if digits > 0 => {
                let hex: String = letters.by_ref().take(digits).collect();
                let code = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits);
                code.and_then(char::from_u32).ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        });
    }
    Ok(plain)
}

fn is_terminator(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}
