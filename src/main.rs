//! The binary: the only place that writes and that ends the process.

use std::io::{self, Write};
use std::process::ExitCode;

use rbac_lens::cli::{Outcome, World, run};

fn main() -> ExitCode {
    let mut stdin = io::stdin();
    let outcome = run(std::env::args_os(), &mut World { stdin: &mut stdin });
    match write(&outcome) {
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
        Ok(()) => ExitCode::from(outcome.code),
    }
}

fn write(outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(outcome.out.as_bytes())?;
    out.flush()?;
    let mut err = io::stderr().lock();
    for note in &outcome.notes {
        writeln!(err, "{note}")?;
    }
    err.flush()
}
