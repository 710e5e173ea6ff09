//! What the words of the language mean, in a line each.

use crate::lang::Keyword;

/// What a keyword does.
pub(super) fn keyword(keyword: Keyword) -> &'static str {
    use Keyword as K;
    match keyword {
        K::AnyErrorsFatal => "Whether a failure on one host ends the play for all of them.",
        K::Async => {
            "Seconds that the task may take in the background, as a job that outlives the connection."
        }
        K::Become => "Whether it is done as another user (`become_user`, by default root).",
        K::BecomeExe => "The program that makes it another user, where it is not the usual one.",
        K::BecomeFlags => "Options for the program that makes it another user.",
        K::BecomeMethod => "How it becomes another user: `sudo`, `su`, `doas`.",
        K::BecomeUser => "The user that it becomes.",
        K::ChangedWhen => "Conditions on the result: whether the task counts as changed.",
        K::CheckMode => {
            "Whether it changes nothing and only tells what it would do; `false` runs it in check mode, too."
        }
        K::Collections => "Collections in which short names of modules and roles are searched.",
        K::Connection => "How the hosts are reached: `ssh` or `local`.",
        K::Debugger => "When a debugger starts.",
        K::Delay => "Seconds between two tries of `until`.",
        K::DelegateFacts => "Whether facts are those of the host that the task is delegated to.",
        K::DelegateTo => "The host on which the task is done in place of its own.",
        K::Diff => "Whether differences are shown.",
        K::Environment => "Environment variables for what is run on the host.",
        K::FactPath => "The directory on the hosts with facts of their own.",
        K::FailedWhen => "Conditions on the result: whether the task counts as failed.",
        K::ForceHandlers => "Whether handlers run on hosts that failed, too.",
        K::GatherFacts => "Whether facts are gathered before the first task.",
        K::GatherSubset => "Which facts are gathered.",
        K::GatherTimeout => "Seconds for facts that take long.",
        K::IgnoreErrors => "Whether the host goes on after a failure.",
        K::IgnoreUnreachable => "Whether the host goes on after it could not be reached.",
        K::MaxFailPercentage => "The percentage of hosts of a batch that may fail before the play ends.",
        K::ModuleDefaults => "Parameters for all tasks with a module, by the module's name.",
        K::NoLog => "Whether parameters and result are kept out of everything that is shown.",
        K::Notify => "Handlers, by name or topic, that run when the task has changed something.",
        K::Order => {
            "The order of hosts: `inventory`, `reverse_inventory`, `sorted`, `reverse_sorted`, `shuffle`."
        }
        K::Poll => "Seconds between two looks at a job of `async`; 0 does not wait for it.",
        K::Port => "The port of the connection.",
        K::Register => "The variable that the result is kept in.",
        K::RemoteUser => "The user that logs in.",
        K::Retries => "How often `until` tries again.",
        K::RunOnce => "Whether one host does it for all.",
        K::Serial => "How many hosts a batch has: numbers or percentages, one for each batch.",
        K::Strategy => "How hosts go through the tasks: `linear`, `free`, `host_pinned`.",
        K::Tags => "Tags by which tasks are chosen on the command line.",
        K::Throttle => "How many hosts do it at the same time.",
        K::Timeout => "Seconds after which the task has failed.",
        K::Until => "Conditions on the result: the task is tried again until they hold.",
        K::VarsPrompt => "Variables that are asked for on the terminal.",
        K::When => "Conditions, without braces: what they do not hold for is skipped.",
    }
}

/// What a word with a structure of its own means.
pub(super) fn structural(word: &str) -> &'static str {
    match word {
        "action" => "The module, with its parameters, in the old form.",
        "always" => "Tasks that run in any case.",
        "args" => "Parameters of the module, beside a free-form text; a template may give all of them.",
        "block" => "Tasks that belong together.",
        "handlers" => "Tasks that run when they are notified.",
        "hosts" => "The hosts: groups, names, patterns.",
        "import_playbook" => "The playbook whose plays come here.",
        "listen" => "Topics that the handler answers to besides its name.",
        "local_action" => "As `action`, done on this machine.",
        "loop" => "The list of items; the task is done for each, as `item`.",
        "loop_control" => "How the loop is done and shown.",
        "name" => "What it is called.",
        "post_tasks" => "Tasks that come after roles and tasks.",
        "pre_tasks" => "Tasks that come before the roles.",
        "rescue" => "Tasks that run when one of the block has failed.",
        "roles" => "Roles, before the tasks.",
        "tasks" => "What is done, in order.",
        "vars" => "Variables for what is inside.",
        "vars_files" => "Files of variables; of a list of names the first that is there is read.",
        _ => "",
    }
}

/// What an option of `loop_control` does.
pub(super) fn loop_control(option: &str) -> &'static str {
    match option {
        "loop_var" => "The name of the variable with the item, in place of `item`.",
        "index_var" => "The name of a variable with the item's number, from 0.",
        "label" => "What is shown of an item.",
        "pause" => "Seconds between two items.",
        "extended" => "Whether `ansible_loop` tells where the loop stands.",
        "extended_allitems" => "Whether `ansible_loop` holds all items too.",
        "break_when" => "Conditions after which no further item is done.",
        _ => "",
    }
}

/// What an entry of `vars_prompt` says.
pub(super) fn prompt(key: &str) -> &'static str {
    match key {
        "confirm" => "Whether it is asked for twice.",
        "default" => "What an empty answer means.",
        "encrypt" => "How the answer is hashed.",
        "name" => "The variable.",
        "private" => "Whether what is typed is hidden; it is by default.",
        "prompt" => "The question.",
        "salt" => "The salt of the hash.",
        "salt_size" => "The length of a salt that is made.",
        "unsafe" => "Whether the answer is never taken for a template.",
        _ => "",
    }
}

/// Variables that say how a host is reached: name, whether it is a number or a boolean, what it means.
pub(super) const CONNECTION: &[(&str, &str, &str)] = &[
    ("ansible_host", "text", "The host's address."),
    ("ansible_port", "integer", "The port of the connection."),
    ("ansible_user", "text", "The user that logs in."),
    ("ansible_password", "text", "The password for logging in; better kept in a vault or the keyring."),
    ("ansible_connection", "text", "How the host is reached: `ssh` or `local`."),
    ("ansible_ssh_private_key_file", "text", "The private key for logging in."),
    ("ansible_ssh_args", "text", "Options of OpenSSH's ssh, in place of the configured ones."),
    ("ansible_ssh_common_args", "text", "Options of OpenSSH's ssh, as `-o ProxyJump=gate`."),
    ("ansible_ssh_extra_args", "text", "More options of OpenSSH's ssh."),
    ("ansible_ssh_retries", "integer", "How often connecting is tried again."),
    ("ansible_ssh_timeout", "integer", "Seconds for connecting."),
    ("ansible_host_key_checking", "boolean", "Whether the host's key is checked."),
    ("ansible_become", "boolean", "Whether tasks become another user."),
    ("ansible_become_user", "text", "The user that tasks become."),
    ("ansible_become_method", "text", "How they become it: `sudo`, `su`, `doas`."),
    ("ansible_become_exe", "text", "The program that makes them another user."),
    ("ansible_become_flags", "text", "Options for that program."),
    (
        "ansible_become_password",
        "text",
        "The password for becoming it; better kept in a vault or the keyring.",
    ),
    ("ansible_python_interpreter", "text", "The Python for modules that are files."),
    ("ansible_remote_tmp", "text", "The directory on the host for what fleet puts there."),
    ("ansible_shell_executable", "text", "The shell on the host."),
    (
        "ansible_group_priority",
        "integer",
        "Which group's variables count more where groups are equally deep.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::keyword::{STRUCTURAL_BLOCK, STRUCTURAL_IMPORT, STRUCTURAL_PLAY, STRUCTURAL_TASK};
    use crate::lang::{CONTROLS, PROMPT_KEYS};

    #[test]
    fn every_word_is_told() {
        let is_told = |text: &str, word: &str| assert!(text.ends_with('.'), "`{word}`: `{text}`");
        for one in Keyword::ALL {
            is_told(keyword(*one), one.name());
        }
        let structured = [STRUCTURAL_BLOCK, STRUCTURAL_PLAY, STRUCTURAL_TASK].concat();
        for word in &structured {
            is_told(structural(word), word);
        }
        for word in STRUCTURAL_IMPORT.iter().filter(|word| Keyword::parse(word).is_none()) {
            is_told(structural(word), word);
        }
        for word in CONTROLS {
            is_told(loop_control(word), word);
        }
        for word in PROMPT_KEYS {
            is_told(prompt(word), word);
        }
    }
}
