//! Does precise things to the kernel and says on its standard output, one JSON object a line,
//! which. `integration/README.md` lists the subcommands.

mod exec;
mod flood;
mod helper;
mod open;
mod options;
mod pid_reuse;
mod say;
mod tcp;

use std::env::{args_os, var_os};
use std::io::{Read as _, stdin};
use std::process::{self, ExitCode};

use eunomia_integration::{Error, Record, Result};

use options::Options;

fn main() -> ExitCode {
    // A child made by `exec`: its arguments are the test's and mean nothing.
    if let Some(code) = var_os(exec::DESCRIBE) {
        return exec::describe(&code);
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    let subcommand = words.next().unwrap_or_default();
    let mut options = Options::read(words)?;
    if options.flag("wait") {
        say::record(&Record::Ready { pid: process::id() })?;
        let mut go = [0];
        stdin()
            .read_exact(&mut go)
            .map_err(Error::io("wait on", "standard input"))?;
    }
    if options.flag("image") {
        exec::say_image()?;
    }
    match subcommand.as_str() {
        "execs" => exec::execs(&mut options),
        "exec-limit" => exec::limit(&mut options),
        "exec-script" => exec::script(&mut options),
        "exec-bare" => helper::exec_bare(),
        "threads" => helper::threads(),
        "exec-thread" => exec::thread(&mut options),
        "opens" => open::opens(&mut options),
        "odd-opens" => open::odd(&mut options),
        "flag-opens" => open::flags(&mut options),
        "chrooted-opens" => open::chrooted(&mut options),
        "tcp" => tcp::run(&mut options),
        "tcp-client" => tcp::client(&mut options),
        "tcp-apart" => tcp::apart(),
        "tcp-waiting" => tcp::all_waiting(&mut options),
        "tcp-beyond" => tcp::beyond(&mut options),
        "connections" => tcp::connections(&mut options),
        "flood" => flood::run(&mut options),
        "pid-reuse" => pid_reuse::run(&mut options),
        "idle" => flood::idle(),
        other => Err(Error::program(
            "workload",
            format!("unknown subcommand {other:?}"),
        )),
    }?;
    options.finish()
}
