//! The `fleet` binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fleet::cli::lab;

#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Subcommand)]
enum Commands {
    Lab(lab::LabArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    let Commands::Lab(arguments) = Cli::parse().command;
    lab::run(arguments, &|_, _| anyhow::bail!("no inventory yet"))
}
