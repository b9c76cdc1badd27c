//! How answers look on a terminal: they fit its width, colours say nothing that words do not, and files have neither.

use rbac_lens::cli::{Outcome, World, run};
use rbac_lens::render::Look;
use unicode_width::UnicodeWidthStr;

use super::ask;

fn ask_on(look: Look, words: &[&str], stdin: &str) -> Outcome {
    let words = ["kubectl-rbac_lens"].into_iter().chain(words.iter().copied()).map(Into::into);
    let world = &mut World { stdin: &mut stdin.as_bytes(), progress: &|_| (), now: 1_780_000_000, terminal: look };
    run(words, world)
}

fn on(width: Option<usize>, colour: bool) -> Look {
    Look { width, colour }
}

/// Text without what sets colours; nothing else may steer a terminal.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        let (code, after) = after.split_once('m').unwrap();
        assert!(code.chars().all(|letter| letter.is_ascii_digit() || letter == ';'), "{code:?}");
        shown.push_str(before);
        rest = after;
    }
    shown + rest
}

const TREES: &[&str] =
    &["escalations", "--demo", "-o", "tree", "--from", "user:alice@contoso.example", "--show-blocked"];

/// The lines that are no command to be copied, and the parts of a table at the end.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with("  kubectl ") && !line.starts_with("  az "))
}

#[test]
fn trees_fit_the_terminal() {
    for width in [24, 40, 80, 200] {
        let outcome = ask_on(on(Some(width), false), TREES, "");
        let wide: Vec<&str> = prose(&outcome.out).filter(|line| line.width() > width).collect();
        assert!(wide.is_empty(), "{width}: {wide:?}");
        assert!(
            outcome.out.lines().any(|line| line.starts_with("  kubectl ") && line.width() > 80),
            "commands are whole"
        );
    }
}

#[test]
fn what_does_not_fit_goes_on_below_and_nothing_is_lost() {
    let whole = ask_on(on(None, false), TREES, "").out;
    let letters = |text: &str| {
        text.chars().filter(|letter| !letter.is_whitespace() && !"│├└─".contains(*letter)).collect::<String>()
    };
    for width in [24, 40, 80, 200] {
        let out = ask_on(on(Some(width), false), TREES, "").out;
        assert!(letters(&out) == letters(&whole), "{width}");
    }
    // Wide enough is as if there was no width.
    assert!(ask_on(on(Some(100_000), false), TREES, "").out == whole);
    // Too narrow for trees: the terminal breaks lines as it likes.
    assert!(ask_on(on(Some(10), false), TREES, "").out == whole);
}

#[test]
fn further_lines_of_a_step_stand_under_its_text() {
    let words =
        ["escalations", "--demo", "--from", "group:dev-team", "--to", "azure", "--power", "roles", "-o", "tree", "-q"];
    let out = ask_on(on(Some(60), false), &words, "").out;
    let first: Vec<&str> = out.lines().take(14).collect();
    assert_eq!(
        first,
        [
            "critical: Group dev-team can reach role-assignment write on",
            "  subscription 11111111-0000-0000-0000-000000000001 in 2",
            "  steps (documented)",
            "├─ aso-credential-fallback: ASO acts as identity aso-global",
            "│  on what is written in dev, by the credential in Secret",
            "│  azureserviceoperator-system/aso-controller-settings",
            "│     Group dev-team: create",
            "│       federatedidentitycredentials.managedidentity.azure.",
            "│       com in dev",
            "│       by RoleBinding dev/dev-team-aso for Group dev-team,",
            "│         Role aso-writer, rule",
            "│         get,list,watch,create,update,patch,delete *",
            "│         (authorization.azure.com,",
            "│         containerservice.azure.com,",
        ]
    );
}

const ANSWERS: &[&[&str]] = &[
    TREES,
    &["escalations", "--demo", "--from", "group:dev-team", "-o", "wide"],
    &["escalations", "--demo", "--from", "group:dev-team", "--no-headers", "--sort-by", ".fingerprint"],
    &["checks", "--demo"],
    &["checks", "--demo", "-o", "wide"],
    &["why", "group:dev-team", "get", "secrets", "-n", "dev", "--demo"],
    &["why", "user:nobody", "get", "secrets", "-n", "dev", "--demo"],
    &[
        "who-can",
        "--azure-action",
        "Microsoft.Authorization/roleAssignments/write",
        "--scope",
        "/subscriptions/11111111-0000-0000-0000-000000000001",
        "--demo",
    ],
];

#[test]
fn colours_say_nothing_that_words_do_not() {
    for words in ANSWERS {
        for width in [None, Some(40)] {
            let coloured = ask_on(on(width, true), words, "");
            let other = ask_on(on(width, false), words, "");
            assert!(plain(&coloured.out) == other.out, "{words:?} {width:?}");
            assert!(!other.out.contains('\u{1b}'), "{words:?}");
            assert_eq!(coloured.notes, other.notes);
        }
    }
    let severe = ask_on(on(None, true), &["escalations", "--demo"], "").out;
    assert!(severe.contains("\n\u{1b}[91;1mcritical\u{1b}[0m "), "{severe:?}");
    assert!(severe.contains("\n\u{1b}[33mmedium\u{1b}[0m "), "{severe:?}");
    let words = ["escalations", "--demo", "--from", "group:dev-team", "-o", "tree"];
    let tree = ask_on(on(None, true), &words, "").out;
    assert!(tree.starts_with("\u{1b}[91;1mcritical\u{1b}[0m"), "{tree:?}");
    assert!(tree.contains("\u{1b}[36;1maso-credential-fallback\u{1b}[0m"), "{tree:?}");
    let azure = ask_on(on(None, true), ANSWERS.last().unwrap(), "").out;
    assert!(azure.contains("\u{1b}[32mallowed\u{1b}[0m "), "{azure:?}");
}

#[test]
fn what_programs_read_has_neither_colours_nor_a_width() {
    for format in [
        "json",
        "yaml",
        "ndjson",
        "name",
        "csv",
        "markdown",
        "jsonpath={.items[*].severity.level}",
        "custom-columns=S:.severity.level",
    ] {
        let words = ["checks", "--demo", "-o", format];
        assert!(ask_on(on(Some(40), true), &words, "").out == ask(words).out, "{format}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.txt");
    let save = format!("tree={}", file.display());
    let outcome =
        ask_on(on(Some(40), true), &["escalations", "--demo", "--from", "group:dev-team", "--save", &save], "");
    let saved = String::from_utf8(outcome.files[0].content.clone()).unwrap();
    assert!(saved == ask(["escalations", "--demo", "--from", "group:dev-team", "-o", "tree"]).out);
}

#[test]
fn the_flag_decides_where_it_is_given() {
    let words = |color: &'static str| ["checks", "--demo", "--color", color];
    let has = |look: Look, color| ask_on(look, &words(color), "").out.contains('\u{1b}');
    for (terminal, color, expected) in [
        (true, "auto", true),
        (false, "auto", false),
        (true, "never", false),
        (false, "never", false),
        (true, "always", true),
        (false, "always", true),
    ] {
        assert_eq!(has(on(None, terminal), color), expected, "{terminal} {color}");
    }
    let outcome = ask(["checks", "--demo", "--color", "sometimes"]);
    assert_eq!(outcome.code, 2);
}

#[test]
fn the_environment_says_whether_there_are_colours() {
    use assert_cmd::cargo::CommandCargoExt as _;
    let run = |more: &[(&str, &str)], words: &[&str]| {
        let mut command = std::process::Command::cargo_bin("kubectl-rbac_lens").unwrap();
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "CI", "COLORTERM"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color").envs(more.iter().copied());
        let done = command.args(["checks", "--demo"]).args(words).output().unwrap();
        [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap().contains('\u{1b}'))
    };
    // Into a pipe there are none, unless somebody forces them.
    assert_eq!(run(&[], &[]), [false; 2]);
    assert_eq!(run(&[("CLICOLOR", "1")], &[]), [false; 2]);
    assert!(run(&[("FORCE_COLOR", "1")], &[])[0]);
    assert!(run(&[("CLICOLOR_FORCE", "1")], &[])[0]);
    assert!(run(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], &[])[0], "forced is forced");
    assert_eq!(run(&[("FORCE_COLOR", "1")], &["--color", "never"]), [false; 2]);
    assert!(run(&[("NO_COLOR", "1")], &["--color", "always"])[0], "the flag is the last word");
    assert_eq!(run(&[("NO_COLOR", "1"), ("TERM", "dumb")], &[]), [false; 2]);
}

/// A world whose names take two columns a letter.
const WIDE: &str = "
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: 書く役割書く役割書く役割}, rules: [{verbs: [escalate, patch], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: 結び付き結び付き結び付き}, roleRef: {kind: ClusterRole, name: 書く役割書く役割書く役割}, subjects: [{kind: User, name: 山田太郎山田太郎山田太郎}, {kind: User, name: plain}]}";

#[test]
fn wide_letters_take_their_two_columns() {
    for width in [30, 40, 80] {
        let out = ask_on(on(Some(width), false), &["escalations", "-f", "-", "-o", "tree"], WIDE).out;
        let wide: Vec<&str> = prose(&out).filter(|line| line.width() > width).collect();
        assert!(wide.is_empty(), "{width}: {wide:?}");
    }
    // Columns begin at the same place on every line, and the colours sit on the words.
    let words = ["who-can", "patch", "clusterroles", "-f", "-"];
    let table = ask_on(on(None, false), &words, WIDE).out;
    let place = |line: &str| line[..line.find("WHERE").or(line.find("cluster-wide")).unwrap()].width();
    let starts: Vec<usize> = table.lines().map(place).collect();
    assert!(starts.len() > 2 && starts.windows(2).all(|pair| pair[0] == pair[1]), "{starts:?}\n{table}");
    let coloured = ask_on(on(None, true), &["escalations", "-f", "-", "--ungrouped"], WIDE).out;
    assert_eq!(coloured.matches("\u{1b}[91;1mcritical\u{1b}[0m").count(), 2, "{coloured:?}");
}

#[test]
fn a_hostile_name_brings_no_colour_of_its_own() {
    let world = crate::hostile::world();
    for words in [&["escalations", "-f", "-", "-o", "tree"][..], &["who-can", "get", "pods", "-f", "-"]] {
        let coloured = ask_on(on(Some(40), true), words, &world).out;
        let other = ask_on(on(Some(40), false), words, &world).out;
        assert!(!other.contains('\u{1b}'));
        assert!(plain(&coloured) == other, "{words:?}");
    }
}

/// The picture of README, and the run that it is of.
const PICTURE: &str = "examples/contoso/escalations.svg";
const SHOWN: &str = "escalations --demo --from group:dev-team --to azure --power roles -o tree";

/// How many columns the window has.
const COLUMNS: usize = 100;

#[test]
fn the_picture_of_the_readme_is_real() {
    let words: Vec<&str> = SHOWN.split(' ').collect();
    let run = ask_on(on(Some(COLUMNS), true), &words, "");
    // The first finding: the second is the same for another subscription. Commands are one line for a shell and too long for a picture.
    let first = run.out.split("\n\n").next().unwrap();
    let is_command = |line: &&str| plain(line).starts_with("  kubectl ");
    let cut = |line: &str| if is_command(&line) { format!("{} …", &line[..COLUMNS - 2]) } else { line.to_owned() };
    let lines: Vec<String> = first.lines().map(cut).collect();
    let now = picture(&format!("kubectl rbac-lens {SHOWN}"), &lines);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "{PICTURE} is not what is printed; UPDATE_README=1 writes it");
    roxmltree::Document::parse(&now).unwrap();
}

/// A terminal as SVG: a window, a prompt with a command, and lines with their colours.
fn picture(command: &str, lines: &[String]) -> String {
    const LETTER: f64 = 8.4;
    const LINE: usize = 20;
    const LEFT: usize = 20;
    const TOP: usize = 64;
    let width = (COLUMNS as f64 * LETTER) as usize + 2 * LEFT;
    let height = TOP + LINE * (lines.len() + 2);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#0f172a\"/>\n\
         <path d=\"M0 10a10 10 0 0 1 10-10h{}a10 10 0 0 1 10 10v24H0z\" fill=\"#1e293b\"/>\n\
         <circle cx=\"20\" cy=\"17\" r=\"6\" fill=\"#f87171\"/><circle cx=\"40\" cy=\"17\" r=\"6\" fill=\"#fbbf24\"/>\
         <circle cx=\"60\" cy=\"17\" r=\"6\" fill=\"#4ade80\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"#e2e8f0\" xml:space=\"preserve\">\n",
        markup(command),
        width - 20
    );
    let prompt = format!("\u{1b}[32m$\u{1b}[0m \u{1b}[1m{command}\u{1b}[0m");
    for (at, line) in std::iter::once(&prompt).chain(lines).enumerate() {
        let y = TOP + at * LINE;
        let mut column = 0;
        for (style, text) in spans(line) {
            let blank = text.len() - text.trim_start_matches(' ').len();
            let shown = text.trim();
            let x = LEFT as f64 + (column + blank) as f64 * LETTER;
            column += text.width();
            if shown.is_empty() {
                continue;
            }
            // Its length is said, so that columns stand below each other in any font.
            let long = shown.width() as f64 * LETTER;
            svg.push_str(&format!(
                "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{long:.1}\" lengthAdjust=\"spacingAndGlyphs\"{style}>{}</text>\n",
                markup(shown)
            ));
        }
    }
    svg + "</g>\n</svg>\n"
}

fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The pieces of a line, each with how it looks.
fn spans(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut style = String::new();
    for (at, part) in line.split("\u{1b}[").enumerate() {
        let (code, text) = if at == 0 { ("0", part) } else { part.split_once('m').unwrap() };
        style = match code {
            "0" => String::new(),
            "1" => " font-weight=\"bold\"".to_owned(),
            "2" => " fill=\"#94a3b8\"".to_owned(),
            "31" => " fill=\"#f87171\"".to_owned(),
            "32" => " fill=\"#4ade80\"".to_owned(),
            "33" => " fill=\"#fbbf24\"".to_owned(),
            "36;1" => " fill=\"#22d3ee\" font-weight=\"bold\"".to_owned(),
            "91;1" => " fill=\"#f87171\" font-weight=\"bold\"".to_owned(),
            other => panic!("{other} has no colour here, after {style}"),
        };
        if !text.is_empty() {
            found.push((style.clone(), text.to_owned()));
        }
    }
    found
}
