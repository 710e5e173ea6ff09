//! `fleet doc`: the manual of the modules, from the modules themselves.

use std::io::Write;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::exit::Exit;
use super::options::TaskArgs;
use super::prepare::settings;
use super::{configuration, scrubbed};
use crate::base::Kind;
use crate::base::names::did_you_mean;
use crate::engine::file_checks::FileChecks;
use crate::lang::short_name;
use crate::manual::{Manual, actions};
use crate::modules::{MODULES, find};
use crate::project::{Project, shown};
use crate::report::style::{Label, paint};
use crate::vars::VarMap;

/// Arguments of `fleet doc`.
#[derive(Debug, Args)]
pub struct DocArgs {
    /// A module, by its short or full name; with `--list` how the names start
    #[arg(value_name = "MODULE", required_unless_present = "list")]
    module: Option<String>,
    /// List the modules, each with one line
    #[arg(short, long)]
    list: bool,
}

/// How wide lines are where nobody knows better.
const WIDTH: usize = 90;

/// Runs `fleet doc`.
pub fn run(args: DocArgs) -> Result<Exit> {
    let DocArgs { module, list } = args;
    let module = module.unwrap_or_default();
    let mut out = scrubbed::stdout();
    if list {
        let shown = listed(&module);
        if shown.is_empty() {
            bail!("no module's name starts with `{module}`");
        }
        return write(&mut out, &shown);
    }
    let own = find(&module).map(Manual::of);
    let manual = own.or_else(|| actions::manuals().find(|manual| manual.doc.name == short_name(&module)));
    match manual {
        Some(manual) => write(&mut out, &text(&manual)),
        None => write(&mut out, &elsewhere(&module)?),
    }
}

fn write(out: &mut impl Write, text: &str) -> Result<Exit> {
    match out.write_all(text.as_bytes()) {
        // somebody has seen enough
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Fine),
        written => written.map(|()| Exit::Fine).context("cannot write"),
    }
}

/// All that has a manual, by name.
fn manuals() -> Vec<Manual> {
    let mut all: Vec<Manual> = MODULES.iter().map(|module| Manual::of(*module)).collect();
    all.extend(actions::manuals());
    all.sort_by_key(|manual| manual.doc.name);
    all
}

fn listed(prefix: &str) -> String {
    let mut all = manuals();
    all.retain(|manual| manual.names().iter().any(|name| name.starts_with(prefix)));
    let widest = all.iter().map(|manual| manual.doc.full_name().len()).max().unwrap_or_default();
    all.iter().fold(String::new(), |text, manual| {
        text + &format!("{:widest$}  {}\n", manual.doc.full_name(), manual.doc.summary())
    })
}

/// What is to be said of a module that fleet does not have itself.
fn elsewhere(name: &str) -> Result<String> {
    let project = Project::new();
    let (config, _) = configuration::read(&project)?;
    let here = std::env::current_dir().context("cannot tell where this is")?;
    let settings = settings(&here.join("playbook.yml"), &config, &TaskArgs::default());
    match FileChecks::new(&project, &settings, VarMap::new()).module_file(name, &here) {
        Ok(Some(file)) => Ok(format!(
            "`{}` is a file that is run on the host: {}\nfleet has no text of it; if it is written for Ansible, \
             `ansible-doc {name}` has.\n",
            file.name,
            shown(&file.path).display()
        )),
        Ok(None) => bail!("`{name}` has no text"),
        Err(problem) => {
            let known: Vec<String> = manuals().iter().flat_map(Manual::names).collect();
            let near = did_you_mean(name, known.iter().map(String::as_str)).or_else(|| {
                let short = name.rsplit('.').next().unwrap_or(name);
                did_you_mean(short, known.iter().map(String::as_str)).or_else(|| {
                    known.iter().any(|known| known == short).then(|| format!("did you mean `{short}`?"))
                })
            });
            let list = || "`fleet doc -l` lists the modules".to_owned();
            let hint = match problem.kind {
                Kind::UnknownModule => near.or_else(|| problem.hint.clone()).unwrap_or_else(list),
                _ => problem.hint.clone().unwrap_or_else(list),
            };
            bail!("{}\nhint: {hint}", problem.message)
        }
    }
}

/// Words in lines, each with this before it; `first` is what the first line starts with.
fn wrapped(text: &str, first: &str, before: &str) -> String {
    let mut out = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            before.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out + &line + "\n"
}

fn heading(text: &str) -> String {
    format!("\n{}\n", paint(Label::Heading, text))
}

/// The manual for the terminal.
fn text(manual: &Manual) -> String {
    let Manual { doc, parameters, rules, free_form, check, difference } = manual;
    let mut names = manual.names();
    let full = names.remove(0);
    let mut out = format!("{} ({})\n\n", paint(Label::Heading, &full), names.join(", "));
    out += &wrapped(doc.summary(), "  ", "  ");
    if !parameters.is_empty() || !rules.is_empty() || free_form.is_some() {
        out += &heading("Parameters");
    }
    for parameter in parameters {
        out += &format!(
            "  {} {}\n",
            paint(Label::Ok, parameter.name),
            paint(Label::Dim, &format!("({})", parameter.facts()))
        );
        let mut told = parameter.text.clone();
        if !parameter.choices.is_empty() {
            told += &format!(" One of: {}.", parameter.choices.join(", "));
        }
        if !parameter.aliases.is_empty() {
            told += &format!(" Also: {}.", parameter.aliases.join(", "));
        }
        out += &wrapped(&told, "      ", "      ");
    }
    for sentence in free_form.iter().chain(rules) {
        out += &wrapped(sentence, "  - ", "    ");
    }
    out += &heading("Check mode");
    out += &wrapped(check.words(), "  ", "  ");
    out += &heading("Differences");
    out += &wrapped(difference.words(), "  ", "  ");
    if !doc.returns.is_empty() {
        out += &heading("Result");
    }
    for (key, meaning) in doc.returns {
        out += &wrapped(meaning, &format!("  {key}: "), "      ");
    }
    out += &heading("Example");
    doc.example().lines().fold(out, |out, line| format!("{out}  {line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_module_has_all_of_it() {
        let told = anstream::adapter::strip_str(&text(&Manual::of(find("copy").unwrap()))).to_string();
        for part in [
            "ansible.builtin.copy (copy)",
            "  dest (path, required)\n      Where it is copied to.",
            "  backup (bool, default false)",
            "  - At most one of `src` and `content` may be given.",
            "  checksum: SHA-1 of the content\n",
            "  - name: The service has its settings\n    ansible.builtin.copy:\n      content: |\n",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
        assert!(
            told.lines().filter(|line| !line.contains("copy:")).all(|line| line.chars().count() <= WIDTH)
        );
    }

    #[test]
    fn lists_are_by_name_and_short_names_count() {
        let list = listed("apt");
        let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(
            names,
            ["ansible.builtin.apt", "ansible.builtin.apt_key", "ansible.builtin.apt_repository"]
        );
        assert!(listed("community.general.").lines().count() > 5);
        assert_eq!(listed("yum").lines().count(), 2, "an alias counts, too");
        assert!(listed("nothing").is_empty());
    }

    #[test]
    fn lines_break_between_words() {
        let long = "word ".repeat(40);
        let lines = wrapped(&long, "  - ", "    ");
        assert_eq!(lines.split_whitespace().filter(|word| *word == "word").count(), 40);
        assert!(lines.lines().count() == 3 && lines.lines().skip(1).all(|line| line.starts_with("    word")));
    }
}
