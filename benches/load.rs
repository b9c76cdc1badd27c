//! How fast inputs are loaded and indexed, as ratios to a floor that is measured in the same run: serde_json passing over the same
//! bytes with the same number of threads and keeping nothing. And how long questions take after that.
//!
//! ```sh
//! cargo bench --bench load                                  # measures S and M
//! cargo bench --bench load -- L                             # L too: 1.5 GB and a few minutes
//! cargo bench --bench load -- azure                         # what Azure and ASO add to `escalations` on M
//! cargo bench --bench load -- azure apart 4                 # the same on an M whose namespaces are apart, a quarter of everything
//! cargo bench --bench load -- generate M > m.ndjson         # only writes the objects; `indented` or `typed` behind M
//! cargo bench --bench load -- generate azure FOLDER         # only writes both worlds; `apart` or a part behind FOLDER
//! ```
//!
//! Each measurement is a process of its own, so that peaks of memory are apart; the processes take turns, so that a busy machine
//! slows all of them alike. The first turn is dropped and the medians of the others are compared.

mod measure;
mod profile;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::{Asked, Cost, Escalated, Task};
use profile::{Azure, Form, Profile};

/// How often each measurement is made, the first one being dropped.
const TURNS: usize = 8;
/// The same with Azure, where one takes long.
const AZURE_TURNS: usize = 4;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let by_cargo = words.iter().any(|word| word == "--bench");
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    let done = match words.as_slice() {
        ["generate", "azure", folder, more @ ..] => {
            let mut out = io::stdout().lock();
            World::of(more).and_then(|world| world.write(Path::new(folder), &mut out)).map(|_| ())
        }
        ["generate", name, more @ ..] => generate(name, more),
        ["measure", task, threads, file] => measure::here(task, threads, Path::new(file)),
        // `cargo test --benches` runs this too, and no test is timed.
        _ if !by_cargo => Ok(()),
        [] => compare(&[profile::S, profile::M]),
        ["L"] => compare(&[profile::S, profile::M, profile::L]),
        ["azure", more @ ..] => World::of(more).and_then(|world| with_azure(&world)),
        _ => {
            Err(io::Error::other("what is measured is `L`, `azure`, or nothing for S and M; or write `generate S|M|L`"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(name: &str, more: &[&str]) -> io::Result<()> {
    let profiles = [profile::S, profile::M, profile::L];
    let mut wanted = profiles
        .into_iter()
        .find(|profile| profile.name == name)
        .ok_or_else(|| io::Error::other("the profiles are S, M and L"))?;
    let mut form = Form::Lines;
    for word in more {
        match *word {
            "indented" => form = Form::Indented,
            "typed" => form = Form::Typed,
            seed => wanted.seed = seed.parse().map_err(|_| io::Error::other("a seed is a number"))?,
        }
    }
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let counts = profile::write(&wanted, form, &mut out)?;
    out.flush()?;
    describe(&wanted, &counts, &mut io::stderr().lock())
}

fn describe(profile: &Profile, counts: &profile::Counts, out: &mut dyn Write) -> io::Result<()> {
    let (total, rbac, bytes) = (counts.total(), counts.rbac(), mega(counts.bytes));
    writeln!(out, "{}: {total} objects, {rbac} of them RBAC's, {bytes:.1} MB", profile.name)?;
    for (kind, count) in &counts.objects {
        writeln!(out, "  {count:>8} {kind}")?;
    }
    Ok(())
}

/// What is measured: a task on one form of a profile, and what it may cost.
struct Measured {
    task: Task,
    threads: usize,
    form: Form,
    turns: Vec<Cost>,
}

fn compare(profiles: &[Profile]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (mut loads, mut solved) = (Vec::new(), Vec::new());
    for profile in profiles {
        let lines = file(profile, "ndjson");
        let counts = write(profile, Form::Lines, &lines)?;
        describe(profile, &counts, &mut out)?;
        let indented = file(profile, "json");
        write(profile, Form::Indented, &indented)?;
        let mut all: Vec<Measured> = [(Task::Floor, 1), (Task::Load, 1), (Task::Floor, 2), (Task::Load, 2)]
            .map(|(task, threads)| (task, threads, Form::Lines))
            .into_iter()
            .chain([
                (Task::WholeFloor, 1, Form::Indented),
                (Task::Load, 1, Form::Indented),
                (Task::Load, 2, Form::Indented),
            ])
            .map(|(task, threads, form)| Measured { task, threads, form, turns: Vec::new() })
            .collect();
        for turn in 0..TURNS {
            for measured in &mut all {
                let file = if measured.form == Form::Lines { &lines } else { &indented };
                let cost = measure::apart(measured.task, measured.threads, file)?;
                if turn > 0 {
                    measured.turns.push(cost);
                }
            }
        }
        report(&all, &mut out)?;
        for (at, asked) in measure::ask_apart(&lines)?.iter().enumerate() {
            let Asked { rows, middle, hundredth, everywhere, rows_everywhere } = asked;
            writeln!(
                out,
                "  who-can {:<24} in a namespace: {rows:>5} rows, {middle:>7.2} us, 99 of 100 below {hundredth:>7.2} us; \
                 in every one: {rows_everywhere:>6} rows, {:>6.2} ms",
                Asked::words(at),
                everywhere / 1e3
            )?;
        }
        let escalated = measure::escalate_apart(&lines)?;
        writeln!(
            out,
            "  escalations for everybody: {} paths, {} subjects hold a target; {} subjects of bindings and pods; {:.0} ms after \
             loading everything in {:.0} ms, {:.2} of it; peak {:.1} MB",
            escalated.findings,
            escalated.holders,
            escalated.edges,
            1e3 * escalated.solve,
            1e3 * escalated.load,
            escalated.solve / escalated.load,
            escalated.peak
        )?;
        solved.push(([counts.bytes as f64, counts.total() as f64, escalated.edges], escalated.solve));
        let load = median(all[3].turns.iter().map(|cost| cost.wall));
        loads.push(([counts.bytes as f64, counts.total() as f64, escalated.edges], load));
        std::fs::remove_file(lines)?;
        std::fs::remove_file(indented)?;
    }
    growth("load", &loads, &mut out)?;
    growth("escalations", &solved, &mut out)
}

/// A cluster with Azure around it.
struct World {
    profile: Profile,
    azure: Azure,
}

impl World {
    /// M as it is, or with its namespaces `apart`; divided by a number, if one is given.
    fn of(words: &[&str]) -> io::Result<World> {
        let (mut orderly, mut part) = (false, 1);
        for word in words {
            match *word {
                "apart" => orderly = true,
                number => part = number.parse().map_err(|_| io::Error::other("a part is a number"))?,
            }
        }
        let profile = Profile { azure_resources: 0, orderly, ..profile::M };
        Ok(World { profile: profile.part(part), azure: Azure::LARGE.part(part) })
    }

    /// Writes it twice into folders of a folder: without Azure and with it.
    fn write(&self, root: &Path, out: &mut dyn Write) -> io::Result<[PathBuf; 2]> {
        let World { profile, azure } = self;
        let [without, with] = ["without-azure", "with-azure"].map(|name| root.join(name));
        let mut added = 0;
        for folder in [&without, &with] {
            std::fs::create_dir_all(folder)?;
            let counts = write(profile, Form::Lines, &folder.join("cluster.ndjson"))?;
            let mut access = std::fs::File::create(folder.join("access.ndjson"))?;
            profile::write_access(profile, &mut access)?;
            if folder == &without {
                describe(profile, &counts, out)?;
            }
        }
        let mut objects = io::BufWriter::new(std::fs::File::create(with.join("aso.ndjson"))?);
        profile::write_aso(profile, azure, &mut objects)?;
        objects.flush()?;
        added += std::fs::metadata(with.join("aso.ndjson"))?.len();
        std::fs::create_dir_all(with.join(measure::AZURE))?;
        for (name, text) in profile::lists(profile, azure) {
            added += text.len() as u64;
            std::fs::write(with.join(measure::AZURE).join(name), text)?;
        }
        let Azure { assignments, identities, resources, .. } = azure;
        writeln!(
            out,
            "with {assignments} role assignments, {identities} identities and {resources} resources of ASO: {:.1} MB more",
            mega(added)
        )?;
        Ok([without, with])
    }
}

/// What Azure's facts and ASO's resources add to `escalations` for everybody: loading and solving, with and without them.
fn with_azure(world: &World) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let [without, with] = world.write(Path::new(env!("CARGO_TARGET_TMPDIR")), &mut out)?;
    let mut turns: [Vec<(Cost, Escalated)>; 2] = [Vec::new(), Vec::new()];
    for turn in 0..AZURE_TURNS {
        for (folder, turns) in [&without, &with].into_iter().zip(&mut turns) {
            let measured = (measure::apart(Task::Floor, 2, folder)?, measure::escalate_apart(folder)?);
            if turn > 0 {
                turns.push(measured);
            }
        }
    }
    for (name, turns) in ["without", "with"].into_iter().zip(&turns) {
        let of = |part: &dyn Fn(&(Cost, Escalated)) -> f64| median(turns.iter().map(part));
        let whole = |(floor, run): &(Cost, Escalated)| (run.load + run.solve) / floor.wall;
        writeln!(
            out,
            "  {name:<8} load {:>7.1} ms  solve {:>7.1} ms  {:>6} paths  {:>6} holders  floor {:>6.1} ms; {:.2} of it",
            of(&|(_, run)| 1e3 * run.load),
            of(&|(_, run)| 1e3 * run.solve),
            of(&|(_, run)| run.findings),
            of(&|(_, run)| run.holders),
            of(&|(floor, _)| 1e3 * floor.wall),
            of(&whole)
        )?;
    }
    // Turn by turn, since those of one turn ran at nearly the same time.
    let [without, with] = &turns;
    let pairs = || without.iter().zip(with);
    let load = median(pairs().map(|((_, a), (_, b))| 1e3 * (b.load - a.load)));
    let solve = median(pairs().map(|((_, a), (_, b))| 1e3 * (b.solve - a.solve)));
    let both = median(pairs().map(|((_, a), (_, b))| 1e3 * (b.load + b.solve - a.load - a.solve)));
    let floor = median(pairs().map(|((a, _), (b, _))| 1e3 * (b.wall - a.wall)));
    let ratio = median(pairs().map(|((_, a), (floor, b))| (b.load + b.solve - a.load - a.solve) / floor.wall));
    writeln!(
        out,
        "  Azure adds {both:.1} ms ({load:.1} of loading, {solve:.1} of solving), {ratio:.2} of the floor of everything; the floor \
         of what is added is {floor:.1} ms"
    )
}

/// What an input is measured in, and the seconds it takes.
type Timed = ([f64; MEASURES.len()], f64);

const MEASURES: [&str; 3] = ["bytes", "objects", "subjects of bindings and pods"];

/// How the time grows with the input, from each profile to the next.
fn growth(what: &str, times: &[Timed], out: &mut dyn Write) -> io::Result<()> {
    for pair in times.windows(2) {
        let [(small, fast), (large, slow)] = pair else { continue };
        for ((measure, small), large) in MEASURES.iter().zip(small).zip(large) {
            let exponent = (slow / fast).ln() / (large / small).ln();
            writeln!(
                out,
                "growth of {what}: {:.1} times the {measure} take {:.1} times as long, exponent {exponent:.2}",
                large / small,
                slow / fast
            )?;
        }
    }
    Ok(())
}

/// One line for each measurement; loads with their ratio to the floor before them.
fn report(all: &[Measured], out: &mut dyn Write) -> io::Result<()> {
    let mut floor: &[Cost] = &[];
    for measured in all {
        let (wall, cpu) =
            (median(measured.turns.iter().map(|cost| cost.wall)), median(measured.turns.iter().map(|cost| cost.cpu)));
        let peak = measured.turns.iter().map(|cost| cost.peak).fold(0.0, f64::max);
        let form = if measured.form == Form::Lines { "NDJSON" } else { "indented list" };
        write!(
            out,
            "  {:<6} {form:<14} {} thread(s)  {:>8.1} ms  {:>8.1} ms of CPU  peak {peak:>6.1} MB",
            measured.task.word(),
            measured.threads,
            1e3 * wall,
            1e3 * cpu
        )?;
        if measured.task == Task::Load {
            // Turn by turn, since the two of one turn ran at nearly the same time.
            let ratios = measured.turns.iter().zip(floor).map(|(cost, floor)| cost.wall / floor.wall);
            let cpu = measured.turns.iter().zip(floor).map(|(cost, floor)| cost.cpu / floor.cpu);
            let index = median(measured.turns.iter().map(|cost| 1e3 * cost.index));
            write!(out, "  {:.2} of the floor, {:.2} of its CPU; index {index:.1} ms", median(ratios), median(cpu))?;
        } else {
            floor = &measured.turns;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn file(profile: &Profile, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{}.{ending}", profile.name))
}

fn write(profile: &Profile, form: Form, path: &Path) -> io::Result<profile::Counts> {
    let mut out = io::BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let counts = profile::write(profile, form, &mut out)?;
    out.flush()?;
    Ok(counts)
}
