//! Conditions of role assignments and of roles (<https://learn.microsoft.com/azure/role-based-access-control/conditions-format>).
//!
//! A condition is evaluated as far as it says which actions it is about and, for constrained delegation, which roles may be given to whom.
//! Everything else in it stays open: it is neither taken as fulfilled nor as failed.

use std::collections::BTreeSet;

use super::pattern::{allows, matches_strictly};

#[cfg(test)]
mod tests;

/// The right to assign roles.
pub const ASSIGN_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";

/// The rights to have roles assigned by a request to Privileged Identity Management (PIM): active ones, and those that have to be
/// activated.
pub const REQUEST_ROLES: [&str; 2] = [
    "Microsoft.Authorization/roleAssignmentScheduleRequests/write",
    "Microsoft.Authorization/roleEligibilityScheduleRequests/write",
];

/// Whether an action gives roles to somebody.
pub fn assigns_roles(action: &str) -> bool {
    REQUEST_ROLES.iter().chain([&ASSIGN_ROLES]).any(|own| own.eq_ignore_ascii_case(action))
}

/// A condition, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    text: String,
    /// None when it could not be read; then it may say anything.
    expression: Option<Expression>,
}

/// What a condition means for one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It always holds: it is about other actions.
    Always,
    /// It never holds.
    Never,
    /// It holds when one of these does.
    Depends(Vec<Alternative>),
}

/// One way to fulfil a condition: all of its parts hold together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alternative {
    /// The roles that may be given, by GUID.
    pub roles: Set,
    /// To whom, by object id.
    pub principals: Set,
    /// To which kinds of principals, in Azure's words, lower-cased.
    pub kinds: Set,
    /// Whether there is more to it that is not evaluated.
    pub open: bool,
}

/// Which values something may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    /// These.
    Only(BTreeSet<String>),
    /// All but these; all, when there are none.
    AllBut(BTreeSet<String>),
}

/// A role assignment that somebody would write or delete.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The GUID of the role.
    pub role: &'a str,
    /// The object id of whom it is given.
    pub principal: &'a str,
    /// What that is, in Azure's words.
    pub kind: &'a str,
}

impl Set {
    /// Every value.
    pub const ALL: Set = Set::AllBut(BTreeSet::new());

    /// Whether a value is in it, in any case.
    pub fn has(&self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        match self {
            Set::Only(these) => these.contains(&value),
            Set::AllBut(these) => !these.contains(&value),
        }
    }

    /// Whether it is every value.
    pub fn is_all(&self) -> bool {
        *self == Set::ALL
    }

    fn covers(&self, other: &Set) -> bool {
        match (self, other) {
            (Set::Only(a), Set::Only(b)) => b.is_subset(a),
            (Set::Only(_), Set::AllBut(_)) => false,
            (Set::AllBut(a), Set::Only(b)) => a.is_disjoint(b),
            (Set::AllBut(a), Set::AllBut(b)) => a.is_subset(b),
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Set::Only(these) if these.is_empty())
    }

    fn and(&self, other: &Set) -> Set {
        match (self, other) {
            (Set::Only(a), Set::Only(b)) => Set::Only(a.intersection(b).cloned().collect()),
            (Set::Only(a), Set::AllBut(b)) | (Set::AllBut(b), Set::Only(a)) => {
                Set::Only(a.difference(b).cloned().collect())
            }
            (Set::AllBut(a), Set::AllBut(b)) => Set::AllBut(a.union(b).cloned().collect()),
        }
    }
}

impl Alternative {
    /// Nothing is asked for.
    pub const ANY: Alternative = Alternative { roles: Set::ALL, principals: Set::ALL, kinds: Set::ALL, open: false };
    const OPEN: Alternative = Alternative { roles: Set::ALL, principals: Set::ALL, kinds: Set::ALL, open: true };

    fn and(&self, other: &Alternative) -> Option<Alternative> {
        let both = Alternative {
            roles: self.roles.and(&other.roles),
            principals: self.principals.and(&other.principals),
            kinds: self.kinds.and(&other.kinds),
            open: self.open || other.open,
        };
        (!both.roles.is_none() && !both.principals.is_none() && !both.kinds.is_none()).then_some(both)
    }

    /// Whether whatever fulfils the other one fulfils this one.
    fn covers(&self, other: &Alternative) -> bool {
        self.roles.covers(&other.roles)
            && self.principals.covers(&other.principals)
            && self.kinds.covers(&other.kinds)
            && (other.open || !self.open)
    }

    /// Whether a role assignment is let through; none when that was not evaluated.
    fn permits(&self, request: Request<'_>) -> Option<bool> {
        let inside =
            self.roles.has(request.role) && self.principals.has(request.principal) && self.kinds.has(request.kind);
        (!inside || !self.open).then_some(inside)
    }
}

impl Effect {
    /// Whether a role assignment is let through; none when that was not evaluated.
    pub fn permits(&self, request: Request<'_>) -> Option<bool> {
        match self {
            Effect::Always => Some(true),
            Effect::Never => Some(false),
            Effect::Depends(alternatives) => {
                let answers: Vec<Option<bool>> = alternatives.iter().map(|one| one.permits(request)).collect();
                if answers.contains(&Some(true)) {
                    Some(true)
                } else if answers.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
        }
    }

    /// Both conditions together.
    pub fn and(&self, other: &Effect) -> Effect {
        match (self, other) {
            (Effect::Never, _) | (_, Effect::Never) => Effect::Never,
            (Effect::Always, more) | (more, Effect::Always) => more.clone(),
            (Effect::Depends(a), Effect::Depends(b)) => Effect::of(both(a, b)),
        }
    }

    /// One of the two conditions, whichever holds.
    pub fn or(&self, other: &Effect) -> Effect {
        match (self, other) {
            (Effect::Always, _) | (_, Effect::Always) => Effect::Always,
            (Effect::Never, more) | (more, Effect::Never) => more.clone(),
            (Effect::Depends(a), Effect::Depends(b)) => Effect::of(either(a.clone(), b.clone())),
        }
    }

    fn of(alternatives: Vec<Alternative>) -> Effect {
        let alternatives = shortened(alternatives);
        if alternatives.contains(&Alternative::ANY) {
            Effect::Always
        } else if alternatives.is_empty() {
            Effect::Never
        } else {
            Effect::Depends(alternatives)
        }
    }
}

/// More ways than this are one open way.
const MOST: usize = 64;

fn both(a: &[Alternative], b: &[Alternative]) -> Vec<Alternative> {
    if a.len() * b.len() > MOST {
        return vec![Alternative::OPEN];
    }
    a.iter().flat_map(|one| b.iter().filter_map(|other| one.and(other))).collect()
}

fn either(mut a: Vec<Alternative>, b: Vec<Alternative>) -> Vec<Alternative> {
    a.extend(b);
    let a = shortened(a);
    if a.len() > MOST { vec![Alternative::OPEN] } else { a }
}

/// Without the ways that another one covers.
fn shortened(mut ways: Vec<Alternative>) -> Vec<Alternative> {
    ways.sort();
    ways.dedup();
    if ways.len() > 2 * MOST {
        return ways;
    }
    let needless = |at: usize| ways.iter().enumerate().any(|(other, way)| other != at && way.covers(&ways[at]));
    let keep: Vec<bool> = (0..ways.len()).map(|at| !needless(at)).collect();
    // INVARIANT: of two different ways only one covers the other, so that never all of them go.
    let mut keep = keep.into_iter();
    ways.retain(|_| keep.next().unwrap_or(true));
    ways
}

impl Condition {
    /// Reads a condition. One that cannot be read stays open for every action.
    pub fn parse(text: &str) -> Condition {
        Condition { text: text.to_owned(), expression: parse(text) }
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means for an action. What it says of assigning roles it says of having Privileged Identity Management (PIM) do so
    /// as well, since that asks whether its caller may assign them
    /// (<https://learn.microsoft.com/rest/api/authorization/privileged-role-assignment-rest-sample>).
    pub fn effect(&self, action: &str) -> Effect {
        let Some(expression) = &self.expression else { return Effect::Depends(vec![Alternative::OPEN]) };
        let own = Effect::of(expression.alternatives(action, true));
        if assigns_roles(action) && !action.eq_ignore_ascii_case(ASSIGN_ROLES) {
            own.and(&Effect::of(expression.alternatives(ASSIGN_ROLES, true)))
        } else {
            own
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    ActionMatches(String),
    Compare {
        source: String,
        attribute: String,
        operator: String,
        values: Vec<String>,
    },
    /// Something that is not evaluated.
    Open,
}

impl Expression {
    /// The ways in which it (or its opposite) holds for an action.
    fn alternatives(&self, action: &str, holds: bool) -> Vec<Alternative> {
        let all = |parts: &[Expression]| {
            let mut ways = vec![Alternative::ANY];
            for part in parts {
                ways = both(&ways, &part.alternatives(action, holds));
            }
            ways
        };
        let any =
            |parts: &[Expression]| parts.iter().map(|part| part.alternatives(action, holds)).fold(Vec::new(), either);
        match self {
            Expression::All(parts) if holds => all(parts),
            Expression::Any(parts) if !holds => all(parts),
            Expression::All(parts) | Expression::Any(parts) => any(parts),
            Expression::Not(inner) => inner.alternatives(action, !holds),
            Expression::ActionMatches(pattern) => {
                let matched = matches_strictly(pattern, action);
                if !matched && allows(pattern, action) {
                    return vec![Alternative::OPEN];
                }
                if matched == holds { vec![Alternative::ANY] } else { Vec::new() }
            }
            Expression::Compare { source, attribute, operator, values } => {
                let Some(set) = compared(operator, values) else { return vec![Alternative::OPEN] };
                let set = if holds { set } else { opposite(set) };
                let mut way = Alternative::ANY;
                match delegated(source, attribute, action) {
                    Some(Delegated::Role) => way.roles = set,
                    Some(Delegated::Principal) => way.principals = set,
                    Some(Delegated::Kind) => way.kinds = set,
                    None => return vec![Alternative::OPEN],
                }
                way.and(&Alternative::ANY).into_iter().collect()
            }
            Expression::Open => vec![Alternative::OPEN],
        }
    }
}

#[derive(Clone, Copy)]
enum Delegated {
    Role,
    Principal,
    Kind,
}

/// The part of a role assignment that an attribute is. What is written is in the request, what is deleted is the resource.
fn delegated(source: &str, attribute: &str, action: &str) -> Option<Delegated> {
    let wanted = match action.to_ascii_lowercase().as_str() {
        "microsoft.authorization/roleassignments/write" => "request",
        "microsoft.authorization/roleassignments/delete" => "resource",
        _ => return None,
    };
    if !source.eq_ignore_ascii_case(wanted) {
        return None;
    }
    match attribute.to_ascii_lowercase().as_str() {
        "microsoft.authorization/roleassignments:roledefinitionid" => Some(Delegated::Role),
        "microsoft.authorization/roleassignments:principalid" => Some(Delegated::Principal),
        "microsoft.authorization/roleassignments:principaltype" => Some(Delegated::Kind),
        _ => None,
    }
}

/// The values that a comparison lets through. The attribute has one value, so that "any of" and "all of" it are the same.
fn compared(operator: &str, values: &[String]) -> Option<Set> {
    let operator = operator.to_ascii_lowercase();
    let (quantifier, operator) = operator.split_once(':').unwrap_or(("", &operator));
    let every = match quantifier {
        "" | "foranyofanyvalues" | "forallofanyvalues" => false,
        "foranyofallvalues" | "forallofallvalues" => true,
        _ => return None,
    };
    let (guid, equal) = match operator {
        "guidequals" => (true, true),
        "guidnotequals" => (true, false),
        "stringequals" | "stringequalsignorecase" => (false, true),
        "stringnotequals" | "stringnotequalsignorecase" => (false, false),
        _ => return None,
    };
    let values: Option<BTreeSet<String>> =
        values.iter().map(|value| if guid { dashed(value) } else { Some(value.to_ascii_lowercase()) }).collect();
    let values = values?;
    Some(match (equal, every || values.len() < 2) {
        (true, false) => Set::Only(values),
        (true, true) if values.len() < 2 => Set::Only(values),
        // Nothing equals two values, and everything differs from one of them.
        (true, true) => Set::Only(BTreeSet::new()),
        (false, true) => Set::AllBut(values),
        (false, false) => Set::ALL,
    })
}

fn opposite(set: Set) -> Set {
    match set {
        Set::Only(these) => Set::AllBut(these),
        Set::AllBut(these) => Set::Only(these),
    }
}

/// A GUID that is written with or without dashes, with them and lower-cased.
fn dashed(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Some(parts.join("-"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'t> {
    Open,
    Close,
    SetOpen,
    SetClose,
    Comma,
    Not,
    And,
    Or,
    Attribute(&'t str, &'t str),
    Text(String),
    Word(&'t str),
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut len = first.len_utf8();
        found.push(match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '{' => Token::SetOpen,
            '}' => Token::SetClose,
            ',' => Token::Comma,
            '!' => Token::Not,
            '&' if rest.starts_with("&&") => {
                len = 2;
                Token::And
            }
            '|' if rest.starts_with("||") => {
                len = 2;
                Token::Or
            }
            '@' => {
                let (source, behind) = rest[1..].split_once('[')?;
                let (attribute, _) = behind.split_once(']')?;
                len = 1 + source.len() + 1 + attribute.len() + 1;
                Token::Attribute(source.trim(), attribute.trim())
            }
            '\'' => {
                let (value, end) = quoted(&rest[1..])?;
                len = 1 + end;
                Token::Text(value)
            }
            _ if is_word(first) => {
                len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                match &rest[..len] {
                    word if word.eq_ignore_ascii_case("and") => Token::And,
                    word if word.eq_ignore_ascii_case("or") => Token::Or,
                    word if word.eq_ignore_ascii_case("not") => Token::Not,
                    word => Token::Word(word),
                }
            }
            _ => return None,
        });
        rest = rest[len..].trim_start();
    }
    Some(found)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '.' | '_' | '/' | '*')
}

/// A text up to its closing quote, and how many bytes that took. A backslash takes the next sign as it is.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\'' => return Some((value, at + 1)),
            '\\' => value.push(signs.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// How deep brackets may be nested.
const DEPTH: usize = 50;

fn parse(text: &str) -> Option<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens, depth: 0 };
    let expression = parser.any()?;
    parser.rest.is_empty().then_some(expression)
}

struct Parser<'p, 't> {
    rest: &'p [Token<'t>],
    depth: usize,
}

impl<'p, 't> Parser<'p, 't> {
    fn next(&mut self) -> Option<&'p Token<'t>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn takes(&mut self, token: &Token<'_>) -> bool {
        let there = self.rest.first() == Some(token);
        if there {
            self.rest = &self.rest[1..];
        }
        there
    }

    fn any(&mut self) -> Option<Expression> {
        let mut parts = vec![self.all()?];
        while self.takes(&Token::Or) {
            parts.push(self.all()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Option<Expression> {
        let mut parts = vec![self.one()?];
        while self.takes(&Token::And) {
            parts.push(self.one()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn one(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let found = match self.next()? {
            Token::Not => Expression::Not(Box::new(self.one()?)),
            Token::Open => {
                let inner = self.any()?;
                self.takes(&Token::Close).then_some(inner)?
            }
            Token::Word(word) if word.eq_ignore_ascii_case("ActionMatches") => match self.values()?.as_slice() {
                [pattern] => Expression::ActionMatches(pattern.clone()),
                _ => return None,
            },
            Token::Word(word) if word.eq_ignore_ascii_case("SubOperationMatches") => {
                self.values()?;
                Expression::Open
            }
            Token::Word(word) if word.eq_ignore_ascii_case("Exists") => {
                let Token::Attribute(..) = self.next()? else { return None };
                Expression::Open
            }
            Token::Attribute(source, attribute) => {
                let Token::Word(operator) = self.next()? else { return None };
                if matches!(self.rest.first(), Some(Token::Attribute(..))) {
                    self.next();
                    Expression::Open
                } else {
                    let values = self.values()?;
                    Expression::Compare {
                        source: (*source).to_owned(),
                        attribute: (*attribute).to_owned(),
                        operator: (*operator).to_owned(),
                        values,
                    }
                }
            }
            _ => return None,
        };
        self.depth -= 1;
        Some(found)
    }

    /// One value, or several in braces.
    fn values(&mut self) -> Option<Vec<String>> {
        if !self.takes(&Token::SetOpen) {
            return Some(vec![self.value()?]);
        }
        let mut values = vec![self.value()?];
        while self.takes(&Token::Comma) {
            values.push(self.value()?);
        }
        self.takes(&Token::SetClose).then_some(values)
    }

    fn value(&mut self) -> Option<String> {
        match self.next()? {
            Token::Text(text) => Some(text.clone()),
            Token::Word(word) => Some((*word).to_owned()),
            _ => None,
        }
    }
}
