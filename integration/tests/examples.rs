//! What the documentation shows is tried as a reader would: copied and run.
#![expect(clippy::unwrap_used, reason = "a test that fails ends")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use eunomia_integration::{Scratch, pipeline_binary};

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
        ("processors", "process: {}"),
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
