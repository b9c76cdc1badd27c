//! Packs the largest table that is built into the program; as text it would be 330 kB more.
#![allow(clippy::print_stdout, reason = "it is how a build script talks to cargo")]

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let table = "src/model/azure/built-in-roles.txt";
    println!("cargo::rerun-if-changed={table}");
    let packed = File::create(Path::new(&std::env::var("OUT_DIR")?).join("built-in-roles.txt.gz"))?;
    let mut packer = GzEncoder::new(packed, Compression::best());
    packer.write_all(&fs::read(table)?)?;
    packer.finish()?;
    Ok(())
}
