//! `encrypt_string`: texts encrypted for YAML.

use std::io::{IsTerminal as _, Read as _, Write as _};

use anyhow::{Context as _, Result};
use clap::Args;

use super::{Common, EncryptWith, Manner, Mode, ONE_OUTPUT, Worded, Writer, files, say};
use crate::cli::prompt;
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct EncryptString {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    encrypt: EncryptWith,
    /// Write to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Ask for the text to encrypt
    #[arg(short, long)]
    prompt: bool,
    /// Show what is typed when asked for the text
    #[arg(long)]
    show_input: bool,
    /// The name of the variable; once per text
    #[arg(short, long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The name of the variable whose text is on standard input
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,
    /// The texts; `-`, or none, is standard input
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
}

/// A text to encrypt.
#[derive(Debug)]
struct Plain {
    text: String,
    from: &'static str,
    name: Option<String>,
}

pub(super) fn run(args: EncryptString, config: &Config, manner: Manner) -> Result<()> {
    let EncryptString { common, encrypt, output, prompt, show_input, names, stdin_name, texts } = args;
    if output.is_some() && texts.len() > 1 {
        return Err(
            Worded::options("at most one text may be given together with `--output`", ONE_OUTPUT).into()
        );
    }
    let reads = texts.iter().any(|text| text == "-") || stdin_name.is_some() || (texts.is_empty() && !prompt);
    if prompt && reads {
        let message = "`--prompt` cannot be used where a text is read from standard input";
        let told = "The --prompt option is not supported if also reading input from stdin";
        return Err(Worded::options(message, told).into());
    }
    let writer = Writer::new(common, encrypt, config, manner)?;
    let mut all = Vec::new();
    if prompt {
        all.push(prompted(show_input)?);
    }
    if reads {
        all.push(Plain { text: from_stdin()?, from: "stdin", name: stdin_name });
    }
    let texts: Vec<String> = texts.into_iter().filter(|text| text != "-").collect();
    if let Some(last) = names.last().filter(|_| texts.len() > names.len()) {
        say("The number of --name options do not match the number of args.");
        say(&format!("The last named variable will be \"{last}\". The rest will not have names."));
    }
    let mut names = names.into_iter();
    for text in texts {
        if text.is_empty() {
            let told = "The plaintext provided from the command line args was empty, not encrypting";
            return Err(Worded::options("a text of the command line is empty", told).into());
        }
        all.push(Plain { text, from: "the command line args", name: names.next() });
    }
    let mut blocks = String::new();
    for (number, Plain { text, from, name }) in (1..).zip(&all) {
        let sealed = writer.seal(text.as_bytes())?;
        if all.len() > 1 {
            say(&match name {
                Some(name) => {
                    format!(
                        "# The encrypted version of variable (\"{name}\", the string #{number} from {from})."
                    )
                }
                None => format!("# The encrypted version of the string #{number} from {from}.)"),
            });
        }
        blocks += &block(&sealed, name.as_deref());
    }
    files::write(output.as_deref().unwrap_or("-"), blocks.as_bytes(), Mode::Private)
}

/// A vault text as a YAML block scalar.
fn block(sealed: &str, name: Option<&str>) -> String {
    let mut block = name.map_or(String::new(), |name| format!("{name}: "));
    block += "!vault |\n";
    for line in sealed.lines() {
        block += &format!("          {line}\n");
    }
    block
}

fn prompted(show_input: bool) -> Result<Plain> {
    let name = prompt::ask_shown("Variable name (enter for no name): ")?;
    let text = if show_input {
        prompt::ask_shown("String to encrypt:")?
    } else {
        prompt::ask("String to encrypt (hidden): ")?.reveal().to_owned()
    };
    if text.is_empty() {
        let told = "The plaintext provided from the prompt was empty, not encrypting";
        return Err(Worded::options("the text that was typed is empty", told).into());
    }
    Ok(Plain { text, from: "the interactive prompt", name: Some(name).filter(|name| !name.is_empty()) })
}

fn from_stdin() -> Result<String> {
    let terminal = std::io::stdout().is_terminal();
    if terminal {
        say(
            "Reading plaintext input from stdin. (ctrl-d to end input, twice if your content does not already have a newline)",
        );
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    if text.is_empty() {
        return Err(Worded::options("standard input is empty", "stdin was empty, not encrypting").into());
    }
    if terminal && !text.ends_with('\n') {
        let _ = writeln!(std::io::stdout());
    }
    Ok(text)
}
