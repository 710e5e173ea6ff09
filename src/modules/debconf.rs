//! Answers a question that a Debian package asks when it is installed.
//!
//! ```yaml
//! - name: Mail is not delivered
//!   ansible.builtin.debconf:
//!     name: postfix
//!     question: postfix/main_mailer_type
//!     vtype: select
//!     value: No configuration
//! ```

use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::diff::Diff;
use super::params::{Raw, Rule};
use super::run;
use super::view::View;
use crate::base::{Map, Value};
use crate::wire::{Action, Change, Failure, Query, Sealed};
use crate::{choices, params};

/// As `ansible.builtin.debconf`.
pub struct Debconf;

choices! {
    /// The kind of a question.
    pub enum QuestionType {
        Boolean = "boolean", Error = "error", MultiSelect = "multiselect", Note = "note", Password = "password",
        Seen = "seen", Select = "select", String = "string", Text = "text", Title = "title",
    }
}

params! {
    /// Parameters of `debconf`.
    pub struct DebconfParams {
        /// The package.
        name: String, aliases ["pkg"];
        /// The question. Left out, the package's questions are only told.
        question: Option<String>, aliases ["selection", "setting"];
        /// The kind of the question.
        vtype: Option<QuestionType>;
        /// The answer; for `multiselect` a list.
        value: Option<Raw>, aliases ["answer"];
        /// Whether the question counts as not asked yet.
        unseen: bool = false;
    }
    rules [Rule::RequiredTogether(&["question", "vtype", "value"])]
}

impl Module for Debconf {
    type Params = DebconfParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "debconf",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("debconf.rs"),
        returns: &[
            ("current", "the answers, or the new one"),
            ("previous", "the answer as it was, where it was changed"),
        ],
    };

    fn plan(params: &DebconfParams, view: &View<'_>) -> Result<Step, Halt> {
        let DebconfParams { name, question, vtype, value, unseen } = params;
        let show = ["debconf-show".to_owned(), name.clone()];
        let password = matches!(vtype, Some(QuestionType::Password));
        let selections = ["debconf-get-selections"];
        if password {
            view.want([Query::Command(run::reading(selections))]);
        }
        let Some(output) = run::read(view, show.clone())? else {
            return fail("Failed to find required executable \"debconf-show\" on the host");
        };
        if output.status != 0 {
            return fail(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = run::stdout(&output);
        let known = answers(&text);
        let (Some(question), Some(vtype), Some(value)) = (question, vtype, value) else {
            let plan = Plan::nothing(crate::base::names::count(known.len(), "question"));
            return Ok(Step::Plan(plan.with("msg", "").with("current", Value::map(known))));
        };
        let is = known.get(question.as_str()).map(Value::to_text);
        let wanted = Wanted::of(*vtype, &value.0);
        if let (QuestionType::MultiSelect, Some(items)) = (vtype, value.0.as_list())
            && items.iter().any(|item| !matches!(item, Value::Str(_)))
        {
            return fail("Invalid value provided for 'multiselect': its items are no texts");
        }
        let same = match (vtype, &is) {
            (_, None) => false,
            (QuestionType::Password, Some(_)) => {
                let text =
                    run::read(view, selections)?.map(|output| run::stdout(&output)).unwrap_or_default();
                stored(&text, name, question) == Some(wanted.text.as_str())
            }
            (QuestionType::Boolean, Some(is)) => is.to_lowercase() == wanted.text,
            (QuestionType::MultiSelect, Some(is)) if wanted.list.is_some() => {
                let mut is: Vec<String> = is.split(',').map(|part| part.trim().to_owned()).collect();
                is.sort();
                Some(is) == wanted.list
            }
            (_, Some(is)) => *is == wanted.text,
        };
        if same {
            let plan = Plan::nothing("answered so already");
            return Ok(Step::Plan(plan.with("msg", "").with("current", Value::map(known))));
        }
        let mut words = vec!["debconf-set-selections"];
        words.extend(unseen.then_some("-u"));
        let mut command = run::argv(view, words);
        let line = format!("{name} {question} {} {}", vtype.text(), wanted.text);
        command.stdin = Some(Sealed::text(format!("{line}\n")));
        let shown = if password { "(password omitted)" } else { wanted.text.as_str() };
        let stored = format!("{name}\t{question}\t{}\t{}\n", vtype.text(), wanted.text);
        let change = Change::new(Action::Run(command))
            .effect(run::will_print(run::reading(show), with_answer(&text, question, shown)))
            .effect(run::will_print(run::reading(selections), stored));
        let current = wanted.list.as_ref().map_or_else(
            || Value::from(wanted.text.as_str()),
            |list| Value::list(list.iter().map(|text| Value::from(text.as_str()))),
        );
        let mut previous = if is.is_some() { Map::new() } else { known };
        previous.insert(question.as_str().into(), is.as_deref().unwrap_or_default().into());
        let plan = Plan::nothing(format!("answer {question}"))
            .change(change)
            .diff(Diff::attribute(name, question, is.as_deref().unwrap_or_default(), shown))
            .with("msg", "")
            .with("current", Value::map(crate::map! {question.as_str() => current}))
            .with("previous", Value::map(previous));
        Ok(Step::Plan(plan))
    }

    fn failure(_: &DebconfParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        let said = failure.output.as_ref().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        Failed { message: said.unwrap_or_else(|| failure.message.clone()), ..Failed::default() }
    }
}

struct Wanted {
    text: String,
    list: Option<Vec<String>>,
}

impl Wanted {
    fn of(vtype: QuestionType, value: &Value) -> Self {
        match (vtype, value) {
            (QuestionType::Boolean, value) => Self { text: value.to_text().to_lowercase(), list: None },
            (QuestionType::MultiSelect, Value::List(items)) => {
                let mut list: Vec<String> = items.iter().map(Value::to_text).collect();
                list.sort();
                Self { text: list.join(", "), list: Some(list) }
            }
            (_, Value::Secret(secret)) => Self { text: secret.reveal().to_owned(), list: None },
            (_, value) => Self { text: value.to_text(), list: None },
        }
    }
}

/// `* postfix/mailname: host.example`.
fn answers(text: &str) -> Map {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(question, answer)| (question.trim_matches('*').trim().into(), answer.trim().into()))
        .collect()
}

fn with_answer(text: &str, question: &str, answer: &str) -> String {
    let mut out: String = text
        .lines()
        .filter(|line| line.split_once(':').is_none_or(|(name, _)| name.trim_matches('*').trim() != question))
        .flat_map(|line| [line, "\n"])
        .collect();
    out.push_str(&format!("* {question}: {answer}\n"));
    out
}

/// The answer that is kept, of a package's question, in `debconf-get-selections`.
fn stored<'a>(text: &'a str, name: &str, question: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut fields = line.splitn(4, '\t');
        let (of, asked, _, value) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        (of == name && asked == question).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_predicted() {
        let text = "* a/b: yes\n  a/c: x: y\n";
        assert_eq!(answers(text).get("a/c").unwrap().to_text(), "x: y");
        assert_eq!(with_answer(text, "a/b", "no"), "  a/c: x: y\n* a/b: no\n");
        assert_eq!(stored("p\ta/b\tpassword\tsecret\n", "p", "a/b"), Some("secret"));
    }
}
