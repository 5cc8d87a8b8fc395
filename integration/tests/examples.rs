//! What the documentation shows is tried as a reader would: copied and run.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use eunomia_integration::{
    Account, Collector, Container, Event, Naming, Pipeline, Scratch, pipeline_binary,
};

/// What a configuration is made of.
const SECTIONS: [&str; 4] = ["receivers", "processors", "exporters", "service"];

/// A configuration that a page shows, in full or in part.
struct Example {
    page: PathBuf,
    yaml: String,
}

/// Every configuration of every page is valid; one shown in part, with what it leaves out.
#[test]
fn configurations_that_pages_show_are_valid() {
    let scratch = Scratch::new("examples").unwrap();
    compile_the_probe(scratch.path());
    make_files(scratch.path());
    let examples: Vec<_> = pages().iter().flat_map(|page| examples(page)).collect();
    assert!(examples.len() >= 12, "{} examples", examples.len());
    let refused: Vec<_> = examples
        .iter()
        .filter_map(|example| {
            let output = validate(example, &scratch);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (!output.status.success()).then(|| (example.page.clone(), example.yaml.clone(), said))
        })
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// What a container does while an example runs.
const WORK: &str = "cat /etc/hostname; exit 5";
/// What that runs, with arguments.
const PROGRAMS: [&str; 2] = ["sh -c cat /etc/hostname; exit 5", "cat /etc/hostname"];

/// The file of the page on JSON has the container's events.
#[test]
fn the_example_of_json_writes_what_a_container_does() {
    let ran = Ran::new(&example("json"));
    let text = fs::read_to_string(ran.folder.path().join("events.jsonl")).unwrap();
    ran.tells_of_the_container(&Event::read_all(&text).unwrap(), 1);
}

/// The lines of Python on the page on CSV read what its example wrote.
#[test]
fn the_example_of_csv_is_read_by_python() {
    let ran = Ran::new(&example("csv"));
    let page = root().join("docs/exporters/csv.md");
    let output = Command::new("python3")
        .args(["-c", &blocks(&page, "python")[0]])
        .current_dir(ran.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let rows = str::from_utf8(&output.stdout).unwrap();
    // Behind the time and the pid; other lines go on with a command line.
    let begins = rows.lines().filter(|row| row.starts_with("20"));
    let lines: Vec<_> = begins.map(|row| row.splitn(3, ' ').nth(2)).collect();
    for program in PROGRAMS {
        let is_it = |line: &&Option<&str>| **line == Some(program);
        assert_eq!(lines.iter().filter(is_it).count(), 1, "{program}: {rows}");
    }
}

/// Every exporter of the first example on OTLP brings the container's events to a Collector.
#[test]
#[ignore = "needs `make peers`"]
fn the_examples_of_otlp_reach_a_collector() {
    let collector = Collector::start().unwrap();
    let page = root().join("docs/exporters/otlp.md");
    let examples = blocks(&page, "yaml");
    let plain = examples[0]
        .replace("http://127.0.0.1:4317", &collector.grpc())
        .replace("http://127.0.0.1:4318", &collector.http())
        .replace("http://otlp.example.org:4318/prefix", &collector.http())
        .replace("unix:///run/otel/otlp.sock", &collector.socket());
    let ran = Ran::new(&plain);
    let signals = collector.stop().unwrap();
    ran.tells_of_the_container(&signals.events(), components(&plain, "exporters").len());
}

/// The first configuration on an exporter's page.
fn example(exporter: &str) -> String {
    let page = root().join(format!("docs/exporters/{exporter}.md"));
    examples(&page).remove(0).yaml
}

/// An example that ran while a container did its work.
struct Ran {
    folder: Scratch,
    container: Container,
}

impl Ran {
    /// Runs it in a folder of its own, laid over what it leaves out, until the container has done
    /// its work.
    #[track_caller]
    fn new(yaml: &str) -> Self {
        let folder = Scratch::new("shown").unwrap();
        let container = Container::new(Naming::Docker).unwrap();
        let filter = format!("receivers.ebpf.filter.container=[\"{}\"]", container.id());
        let mut command = Command::new(pipeline_binary().unwrap());
        command
            .current_dir(folder.path())
            .args(["--log-format", "json", "--set", &filter]);
        for (name, layer) in [("rest.yaml", &*rest(yaml)), ("shown.yaml", yaml)] {
            command
                .arg("--config")
                .arg(folder.write(name, layer).unwrap());
        }
        let pipeline = Pipeline::command(command).unwrap();
        pipeline.wait_for_log("started").unwrap();
        let work = container.command("sh").args(["-c", WORK]).status();
        assert_eq!(work.unwrap().code(), Some(5));
        let finished = pipeline.stop().unwrap();
        assert!(finished.status.success(), "{:?}", finished.stderr);
        let accounts = finished.accounts();
        assert!(!accounts.is_empty() && accounts.iter().all(Account::holds));
        Self { folder, container }
    }

    /// Everything is the container's, and each program it ran is there so many times.
    #[track_caller]
    fn tells_of_the_container(&self, events: &[Event], times: usize) {
        let id = Some(self.container.id());
        assert!(events.iter().all(|event| event.text("container.id") == id));
        for program in PROGRAMS {
            let is_it = |event: &&Event| event.text("process.command_line") == Some(program);
            assert_eq!(
                events.iter().filter(is_it).count(),
                times,
                "{program}: {events:?}"
            );
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("md")) {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The blocks of a page that are fenced as `language`; the empty one is none at all.
fn blocks(page: &Path, language: &str) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let fenced = text.split("```").skip(1).step_by(2);
    let mut blocks = Vec::new();
    for block in fenced {
        let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
        if first == language {
            blocks.push(rest.to_owned());
        }
    }
    blocks
}

fn examples(page: &Path) -> Vec<Example> {
    let is_ours = |yaml: &String| SECTIONS.iter().any(|section| has_section(yaml, section));
    let of_page = |yaml| Example {
        page: page.to_owned(),
        yaml,
    };
    let yaml = blocks(page, "yaml").into_iter();
    yaml.filter(is_ours).map(of_page).collect()
}

fn has_section(yaml: &str, section: &str) -> bool {
    let is_it = |line: &str| {
        line.strip_prefix(section)
            .is_some_and(|r| r.starts_with(':'))
    };
    yaml.lines().any(is_it)
}

/// The components that stand under a section, one a line.
fn components(yaml: &str, section: &str) -> Vec<String> {
    let lines = yaml.lines().skip_while(|line| !line.starts_with(section));
    let below = lines
        .skip(1)
        .take_while(|line| line.starts_with([' ', '#']));
    let names = below.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split_once(':')?.0;
        (!name.starts_with([' ', '#'])).then(|| name.to_owned())
    });
    names.collect()
}

/// What an example leaves out, as a configuration that it is laid over.
fn rest(yaml: &str) -> String {
    let mut rest = String::from("version: 1\n");
    let mut used = Vec::new();
    for (section, usual) in [
        ("receivers", "ebpf: { probes: { process: {} } }"),
        ("processors", "process: {}\n  container: {}"),
        ("exporters", "console: {}"),
    ] {
        let mut names = components(yaml, section);
        if names.is_empty() {
            rest += &format!("{section}:\n  {usual}\n");
            names = components(&rest, section);
        }
        used.push(format!("{section}: [{}]", names.join(", ")));
    }
    if !yaml.contains("pipelines:") {
        let used = used.join(", ");
        rest += &format!("service: {{ pipelines: {{ events: {{ {used} }} }} }}\n");
    }
    rest
}

fn validate(example: &Example, scratch: &Scratch) -> Output {
    let mut command = Command::new(pipeline_binary().unwrap());
    command.arg("validate").current_dir(scratch.path());
    let rest = scratch.write("rest.yaml", rest(&example.yaml)).unwrap();
    command.arg("--config").arg(rest);
    let shown = with_files(&example.yaml, scratch.path());
    let shown = scratch.write("shown.yaml", shown).unwrap();
    command.arg("--config").arg(shown);
    for variable in example.yaml.split("${env:").skip(1) {
        let name = variable.split(['}', ':']).next().unwrap();
        command.env(name, "given");
    }
    command.output().unwrap()
}

/// The probe of the page on writing one, compiled by the command that stands there.
fn compile_the_probe(folder: &Path) {
    let page = root().join("docs/probes/writing-a-probe.md");
    fs::write(folder.join("chdir.bpf.c"), &blocks(&page, "c")[0]).unwrap();
    symlink(root().join("probes"), folder.join("probes")).unwrap();
    let command = &blocks(&page, "")[0];
    assert!(command.starts_with("clang "), "{command}");
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A certificate with its key, and a token.
fn make_files(folder: &Path) {
    let arguments = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 \
                     -subj /CN=localhost -keyout key -out certificate";
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    fs::write(folder.join("token"), "given").unwrap();
}

/// The example with files that are there in place of those that it names under keys in `_file`.
fn with_files(yaml: &str, folder: &Path) -> String {
    let mut parts = yaml.split("_file: ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = match text.rsplit(|c: char| !c.is_ascii_alphabetic()).next() {
            Some("ca" | "cert") => "certificate",
            Some("key") => "key",
            _ => "token",
        };
        let end = part.find([',', ' ', '}', '\n']).unwrap_or(part.len());
        let (_, rest) = part.split_at(end);
        text += &format!("_file: {}{rest}", folder.join(name).display());
    }
    text
}
