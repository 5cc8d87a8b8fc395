//! `eunomia-pipeline`: reads the command line and hands over.

use std::process::ExitCode;

use eunomia_pipeline::cli::{self, Cli, Command};
use eunomia_pipeline::exit::Exit;
use eunomia_pipeline::{commands, components, run};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os(), components::probes) {
        Ok(cli) => obey(&cli).into(),
        Err(error) => {
            // Nobody can be told that stdout or stderr is closed.
            error.print().unwrap_or_default();
            if error.exit_code() == 0 {
                Exit::Done.into()
            } else {
                Exit::Usage.into()
            }
        }
    }
}

fn obey(cli: &Cli) -> Exit {
    match &cli.command {
        None => run::pipeline(cli),
        Some(Command::Run(arguments)) => run::probes(cli, arguments),
        Some(Command::Validate(arguments)) => commands::validate(&cli.sources, arguments.format),
        Some(Command::PrintConfig(arguments)) => {
            commands::print_config(&cli.sources, arguments.format)
        }
        Some(Command::Components(arguments)) => commands::components(arguments.format),
        Some(Command::Schema(_)) => commands::schema(),
        Some(Command::Doctor(arguments)) => commands::doctor(&cli.sources, arguments.format),
        Some(Command::Version(arguments)) => commands::version(arguments.format),
    }
}
