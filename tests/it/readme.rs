//! What README shows is what the program prints.

use std::path::Path;

use rbac_lens::cli::{World, run};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The commands of the `console` blocks, each with the lines below it.
fn transcripts(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            line if inside => match line.strip_prefix("$ kubectl rbac-lens ") {
                Some(command) => found.push((command.to_owned(), String::new())),
                None => found.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            },
            _ => {}
        }
    }
    found
}

fn print(command: &str) -> String {
    let words = ["kubectl-rbac_lens"].into_iter().chain(command.split_whitespace()).map(Into::into);
    run(
        words,
        &mut World {
            stdin: &mut std::io::empty(),
            progress: &|_| (),
            now: 1_780_000_000,
            terminal: Default::default(),
        },
    )
    .out
}

/// Looks that what a text shows is what is printed; with UPDATE_README the text is written anew.
fn check(path: &str, least: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut text = std::fs::read_to_string(&path).unwrap();
    let shown = transcripts(&text);
    assert!(shown.len() >= least, "{} shows {} commands", path.display(), shown.len());
    for (command, expected) in shown {
        let printed = print(&command);
        if std::env::var_os("UPDATE_README").is_none() {
            assert_eq!(printed, expected, "kubectl rbac-lens {command}");
        }
        let line = format!("$ kubectl rbac-lens {command}\n");
        text = text.replacen(&[line.as_str(), &expected].concat(), &[line.as_str(), &printed].concat(), 1);
    }
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn transcripts_are_real() {
    check("README.md", 4);
}

#[test]
fn the_story_of_the_example_is_real() {
    check("examples/in-cluster/README.md", 3);
}

/// Looks that what stands between two marks is what the program has; with UPDATE_README it is written anew.
fn is_generated(mark: &str, now: &str) {
    let text = readme();
    let (before, rest) = text.split_once(&format!("<!-- {mark} -->\n")).unwrap();
    let (table, after) = rest.split_once(&format!("<!-- /{mark} -->")).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        std::fs::write(path, format!("{before}<!-- {mark} -->\n{now}<!-- /{mark} -->{after}")).unwrap();
    } else {
        assert_eq!(table, now, "UPDATE_README=1 writes it");
    }
}

#[test]
fn the_tables_are_those_of_the_catalogue() {
    is_generated("techniques", &rbac_lens::render::technique_table());
    is_generated("checks", &rbac_lens::render::check_table());
    let many = format!("{} techniques", rbac_lens::rules::CATALOGUE.len());
    for path in ["README.md", "CHANGELOG.md"] {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(&many), "{path} does not count {many}");
    }
}

/// The commands outside of transcripts, as they would be typed: those of `sh` blocks and of code spans.
fn commands(text: &str) -> Vec<String> {
    let prose = text
        .split("```console")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("\n```").map_or("", |(_, behind)| behind) });
    let prose: String = prose.collect();
    let parts = prose.split(['`', '\n']);
    parts.filter_map(|part| part.strip_prefix("kubectl rbac-lens ")).map(str::to_owned).collect()
}

#[test]
fn every_command_is_one_that_the_program_takes() {
    let mut seen = 0;
    for command in commands(&readme()) {
        let own = command.split([')', '|', '>']).next().unwrap().trim();
        // What begins with these and says no more is talk about a command.
        if own.ends_with("...") || own == "completion install" {
            continue;
        }
        let words = ["kubectl-rbac_lens"].into_iter().chain(own.split_whitespace());
        let parsed = rbac_lens::cli::command().try_get_matches_from(words);
        assert!(parsed.is_ok(), "kubectl rbac-lens {own}: {}", parsed.unwrap_err());
        seen += 1;
        if own.ends_with("--demo") {
            assert!(!print(own).is_empty(), "kubectl rbac-lens {own}");
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn the_commands_of_az_are_those_that_are_run() {
    let text = readme();
    let (_, rest) = text.split_once("<!-- az -->\n```sh\n").unwrap();
    let (commands, _) = rest.split_once("```\n<!-- /az -->").unwrap();
    let now = rbac_lens::collect::azure_commands();
    if std::env::var_os("UPDATE_README").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let (before, after) = text.split_once(commands).unwrap();
        std::fs::write(path, [before, &now, after].concat()).unwrap();
    } else {
        assert_eq!(commands, now, "UPDATE_README=1 writes it");
    }
}

#[test]
fn the_first_screen_holds_exactly_two_commands() {
    let text = readme();
    let first: Vec<&str> = text.lines().take(24).collect();
    let from = first.iter().position(|line| *line == "```sh").unwrap();
    let len = first[from + 1..].iter().position(|line| *line == "```").unwrap();
    let commands = &first[from + 1..from + 1 + len];
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert!(commands[0].starts_with("cargo run --release -- "), "{commands:?}");
    assert_eq!(commands[1], "cargo test");
}

#[test]
fn every_link_into_the_repository_leads_somewhere() {
    let text = readme();
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.contains("://") {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(), "README links to {link}");
        }
    }
}
