//! The archive of one platform: the same files give the same bytes, whoever packs them, when and where.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};

/// The time of every file in an archive, 1980-01-01: no build has a time of its own, and older ones make tar complain.
const TIME: u64 = 315_532_800;

/// A platform in the words of krew, which are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Platform {
    os: &'static str,
    arch: &'static str,
}

/// The platform that a target of rustc is built for, of those that releases are made for.
pub(crate) fn platform(target: &str) -> Option<Platform> {
    let arch = match target.split('-').next()? {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    let os = ["linux", "darwin", "windows"].into_iter().find(|os| target.split('-').any(|word| word == *os))?;
    Some(Platform { os, arch })
}

impl Platform {
    /// The name of the program in the archive.
    pub(crate) fn program(self) -> String {
        let ending = if self.os == "windows" { ".exe" } else { "" };
        format!("kubectl-rbac_lens{ending}")
    }

    /// The file name of the archive.
    pub(crate) fn archive(self) -> String {
        format!("kubectl-rbac_lens-{}-{}.tar.gz", self.os, self.arch)
    }
}

/// A file of an archive.
pub(crate) struct File {
    /// Its name, without a folder.
    pub(crate) name: String,
    /// Whether it is a program.
    pub(crate) executable: bool,
    /// What is in it.
    pub(crate) content: Vec<u8>,
}

/// A `.tar.gz` of plain files, sorted by name, without owner, time or place of their own.
pub(crate) fn pack(mut files: Vec<File>) -> io::Result<Vec<u8>> {
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let mut tar = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(if file.executable { 0o755 } else { 0o644 });
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(file.content.len() as u64);
        tar.append_data(&mut header, &file.name, file.content.as_slice())?;
    }
    // No file name and no time in gzip's own header either; the system is "unknown" on every system.
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    gzip.write_all(&tar.into_inner()?)?;
    gzip.finish()
}

/// The checksum as krew wants it: 64 digits, lower case.
pub(crate) fn sha256(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
