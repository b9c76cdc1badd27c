//! What is seen at a glance, and what is not.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use super::*;
use crate::collect::DEMO;

#[test]
fn the_newest_snapshot_is_the_one_that_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(newest_snapshot(folder.path()), None);
    let head = saved::FIRST_BYTES;
    let put = |name: &str, bytes: &[u8], age: u64| {
        fs::write(at(name), bytes).unwrap();
        let file = fs::File::options().write(true).open(at(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    put("old.ndjson", format!("{head}v1alpha1\"}}").as_bytes(), 100);
    put("other.json", b"{\"apiVersion\":\"v1\"}", 1);
    put("short.json", b"{", 1);
    put("text.txt", format!("{head}v1alpha1\"}}").as_bytes(), 1);
    fs::create_dir(at("folder.json")).unwrap();
    assert_eq!(newest_snapshot(folder.path()), Some(at("old.ndjson")));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(format!("{head}v1alpha1\"}}\n").as_bytes()).unwrap();
    put("new.ndjson.gz", &packed.finish().unwrap(), 50);
    assert_eq!(newest_snapshot(folder.path()), Some(at("new.ndjson.gz")));
}

#[test]
fn of_a_large_file_the_beginning_is_read_and_nothing_is_complained_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.ndjson");
    let line = |at: usize| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{{\"name\":\"n-{at:07}\"}}}}\n")
    };
    let lines: String = (0..200_000).map(line).collect();
    assert!(lines.len() as u64 > GLANCE);
    fs::write(&path, &lines).unwrap();
    let seen = glance(&[Input::Path(path)], &[], false).unwrap().namespaces.len();
    assert!((100_000..200_000).contains(&seen), "{seen}");
    assert_eq!(glance(&[Input::Path(folder.path().join("absent"))], &[], false).unwrap().namespaces.len(), 0);
}

#[test]
fn the_embedded_example_is_seen_whole() {
    let inputs: Vec<Input> = DEMO.iter().map(Input::Embedded).collect();
    assert!(glance(&inputs, &[], false).unwrap().bindings.len() > 20);
}

#[test]
fn what_is_at_a_path_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("ours"), b"xx mark xx").unwrap();
    fs::write(at("theirs"), b"#!/bin/sh").unwrap();
    assert_eq!(look(&at("nothing"), "mark"), Entry::Absent);
    assert_eq!(look(&at("ours"), "mark"), Entry::Ours);
    assert_eq!(look(&at("theirs"), "mark"), Entry::Foreign);
    assert_eq!(look(folder.path(), "mark"), Entry::Foreign);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("ours", at("link")).unwrap();
        assert_eq!(look(&at("link"), "mark"), Entry::Link("ours".into()));
        assert!(is_same(&at("link"), &at("ours")));
    }
}
