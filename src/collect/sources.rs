//! Finding the files behind what the user named: files, folders, standard input. What is in them is read elsewhere.

use std::io;
use std::path::Path;

use super::document::Problem;
use super::files::Input;
use crate::model::FileId;

/// The files behind the inputs.
#[derive(Default)]
pub(super) struct Sources {
    pub(super) files: Vec<String>,
    pub(super) sources: Vec<FileSource>,
    pub(super) problems: Vec<Problem>,
    /// Of folders, only files that are JSON by their names.
    only_json: bool,
}

/// One of them.
pub(super) struct FileSource {
    pub(super) file: FileId,
    pub(super) input: Input,
    /// Named by itself, not found in a folder.
    pub(super) explicit: bool,
}

impl Sources {
    /// Looks for JSON alone.
    pub(super) fn only_json() -> Sources {
        Sources { only_json: true, ..Sources::default() }
    }

    pub(super) fn add(&mut self, input: &Input, recursive: bool) {
        match input {
            Input::Path(path) => self.add_path(path, recursive),
            Input::Stdin => {
                let file = self.name("standard input".to_owned());
                self.sources.push(FileSource { file, input: Input::Stdin, explicit: true });
            }
            Input::Embedded(bundled) => {
                let file = self.name(bundled.name.to_owned());
                self.sources.push(FileSource { file, input: input.clone(), explicit: false });
            }
        }
    }

    fn name(&mut self, name: String) -> FileId {
        self.files.push(name);
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX - 2))
    }

    fn add_path(&mut self, path: &Path, recursive: bool) {
        let text = path.to_string_lossy().into_owned();
        if let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) {
            let file = self.name(text.clone());
            let message =
                format!("{scheme} addresses are not fetched; write `curl -fsSL {text} | kubectl rbac-lens ... -f -`");
            self.problems.push(Problem { file, line: 0, message });
            return;
        }
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => self.add_folder(path, recursive),
            Ok(_) => {
                let file = self.name(text);
                self.sources.push(FileSource { file, input: Input::Path(path.to_owned()), explicit: true });
            }
            Err(error) => {
                let file = self.name(text);
                self.problems.push(Problem { file, line: 0, message: cannot_read(&error) });
            }
        }
    }

    fn add_folder(&mut self, folder: &Path, recursive: bool) {
        let (before, wrong) = (self.sources.len(), self.problems.len());
        let mut folders = vec![folder.to_owned()];
        let mut has_folders = false;
        while let Some(next) = folders.pop() {
            let mut inside = Vec::new();
            match std::fs::read_dir(&next).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(entries) => inside.extend(entries),
                Err(error) => {
                    let file = self.name(next.to_string_lossy().into_owned());
                    self.problems.push(Problem { file, line: 0, message: cannot_read(&error) });
                }
            }
            inside.sort_by_key(std::fs::DirEntry::file_name);
            let mut below = Vec::new();
            for entry in inside {
                let path = entry.path();
                // A link to a folder is not followed, as in kubectl: it may lead back up.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    has_folders = true;
                    below.push(path);
                } else if is_named(&path, if self.only_json { &JSON } else { &MANIFESTS }) {
                    let file = self.name(path.to_string_lossy().into_owned());
                    self.sources.push(FileSource { file, input: Input::Path(path), explicit: false });
                }
            }
            if recursive {
                folders.extend(below.into_iter().rev());
            }
        }
        if self.sources.len() == before && self.problems.len() == wrong {
            let file = self.name(folder.to_string_lossy().into_owned());
            let deeper = if has_folders && !recursive { "; use -R to look into its folders" } else { "" };
            let what = if self.only_json { ".json or .ndjson" } else { ".yaml, .yml, .json or .ndjson" };
            let message = format!("there is no {what} file (or one of these with .gz) in it{deeper}");
            self.problems.push(Problem { file, line: 0, message });
        }
    }
}

const JSON: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const MANIFESTS: [&str; 5] = [".yaml", ".yml", ".json", ".ndjson", ".jsonl"];

fn is_named(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    endings.iter().any(|ending| name.ends_with(ending))
}

pub(super) fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => format!("it cannot be read: {error}"),
    }
}
