//! What the language itself does under names that look like modules'.

use super::Manual;
use super::module::Parameter;
use super::support::{Check, Difference};
use crate::modules::{FreeForm, ModuleDoc};

/// One of these actions.
struct Action {
    name: &'static str,
    /// As the head of a module's source: a line of text, and an example.
    head: &'static str,
    free_form: &'static str,
    /// Names, types, texts, in groups.
    options: &'static [&'static [(&'static str, &'static str, &'static str)]],
    returns: &'static [(&'static str, &'static str)],
}

const FILE: (&str, &str, &str) = (
    "file",
    "str",
    "The file of tasks, relative to the file that names it, then to the role's tasks, the role and the playbook.",
);
const APPLY: (&str, &str, &str) = (
    "apply",
    "dict",
    "Keywords for the included tasks: what stands on the include itself counts for the include only.",
);
const ROLE: &[(&str, &str, &str)] = &[
    (
        "name",
        "str",
        "The role, by its name, the full name of a collection's role, or its path. Must be given.",
    ),
    ("role", "str", "Other word for `name`."),
    ("tasks_from", "str", "The file in the role's `tasks` in place of `main`."),
    ("vars_from", "str", "The file in the role's `vars` in place of `main`."),
    ("defaults_from", "str", "The file in the role's `defaults` in place of `main`."),
    ("handlers_from", "str", "The file in the role's `handlers` in place of `main`."),
    (
        "allow_duplicates",
        "bool",
        "Whether the role runs again where it has run with the same parameters. By default it does.",
    ),
    (
        "public",
        "bool",
        "Whether the role's variables are there for the rest of the play. By default those of an import are, those of an include are not.",
    ),
    ("rolespec_validate", "bool", "Whether the role's argument spec is checked first. By default it is."),
];
/// All of them, by name.
const ACTIONS: &[Action] = &[
    Action {
        name: "import_playbook",
        head: "//! Puts the plays of another playbook here, before anything runs.\n\
               //! ```yaml\n\
               //! - name: The databases first\n\
               //!   ansible.builtin.import_playbook: databases.yml\n\
               //!   vars:\n\
               //!     release: 12\n\
               //! ```\n",
        free_form: "The value is the playbook's path, or the full name of a collection's playbook. It stands in place of a play; `vars`, `when` and `tags` beside it go to the plays.",
        options: &[],
        returns: &[],
    },
    Action {
        name: "import_role",
        head: "//! Puts a role's tasks here, before anything runs.\n\
               //! ```yaml\n\
               //! - name: The web server\n\
               //!   ansible.builtin.import_role:\n\
               //!     name: nginx\n\
               //!     tasks_from: install\n\
               //! ```\n",
        free_form: "",
        options: &[ROLE],
        returns: &[],
    },
    Action {
        name: "import_tasks",
        head: "//! Puts the tasks of a file here, before anything runs: keywords on it count for each of them.\n\
               //! ```yaml\n\
               //! - name: Users\n\
               //!   ansible.builtin.import_tasks: users.yml\n\
               //! ```\n",
        free_form: "A text in place of parameters is `file`. Variables of hosts and facts cannot be part of its name.",
        options: &[&[FILE]],
        returns: &[],
    },
    Action {
        name: "include_role",
        head: "//! Runs a role's tasks when it is reached; it can be looped and its name can hang on results.\n\
               //! ```yaml\n\
               //! - name: What each application needs\n\
               //!   ansible.builtin.include_role:\n\
               //!     name: \"{{ item }}\"\n\
               //!   loop: [app, worker]\n\
               //! ```\n",
        free_form: "",
        options: &[ROLE, &[APPLY]],
        returns: &[],
    },
    Action {
        name: "include_tasks",
        head: "//! Runs the tasks of a file when it is reached; it can be looped and its name can hang on results.\n\
               //! ```yaml\n\
               //! - name: What this distribution needs\n\
               //!   ansible.builtin.include_tasks:\n\
               //!     file: \"{{ ansible_facts.os_family | lower }}.yml\"\n\
               //!     apply:\n\
               //!       become: true\n\
               //! ```\n",
        free_form: "A text in place of parameters is `file`.",
        options: &[&[FILE, APPLY]],
        returns: &[],
    },
    Action {
        name: "meta",
        head: "//! Tells the run itself what to do: fire handlers now, end a host, a batch or the play, forget facts.\n\
               //! ```yaml\n\
               //! - name: Restart what has changed before it is tested\n\
               //!   ansible.builtin.meta: flush_handlers\n\
               //! ```\n",
        free_form: "The value is one of `clear_facts`, `clear_host_errors`, `end_batch`, `end_host`, `end_play`, `end_role`, `flush_handlers`, `noop`, `refresh_inventory`, `reset_connection`.",
        options: &[],
        returns: &[],
    },
];

/// The manual of the actions that are no modules.
pub fn manuals() -> impl Iterator<Item = Manual> {
    ACTIONS.iter().map(|action| {
        let Action { name, head, free_form, options, returns } = action;
        let doc = ModuleDoc {
            name,
            collection: "ansible.builtin",
            aliases: &[],
            free_form: FreeForm::Pairs,
            source: head,
            returns,
        };
        let parameters = options.iter().copied().flatten().map(|(name, kind, text)| Parameter {
            name,
            aliases: &[],
            kind: (*kind).to_owned(),
            required: false,
            default: None,
            choices: &[],
            text: (*text).to_owned(),
            secret: false,
            refused: false,
        });
        Manual {
            doc,
            parameters: parameters.collect(),
            rules: Vec::new(),
            free_form: (!free_form.is_empty()).then(|| (*free_form).to_owned()),
            check: Check::Full,
            difference: Difference::Nothing,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::keyword::META;
    use crate::lang::{ROLE_OPTIONS, TASK_FILE_OPTIONS};

    fn of(name: &str) -> Manual {
        manuals().find(|manual| manual.doc.name == name).unwrap()
    }

    #[test]
    fn every_option_of_the_language_is_told() {
        for (name, options) in [("include_tasks", TASK_FILE_OPTIONS), ("include_role", ROLE_OPTIONS)] {
            let mut told: Vec<&str> = of(name).parameters.iter().map(|parameter| parameter.name).collect();
            let mut options = options.to_vec();
            told.sort_unstable();
            options.sort_unstable();
            assert_eq!(told, options, "{name}");
        }
        let words = of("meta").free_form.unwrap();
        for (action, _) in META {
            assert!(words.contains(&format!("`{action}`")), "{action}");
        }
    }
}
