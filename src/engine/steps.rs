//! `--start-at-task` and `--step`: which tasks of a run are taken at all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::event::TaskLabel;
use super::play_run::{Host, PlayRun, lock};
use super::run::Run;
use crate::lang::{Item, Play, Task};

impl Run {
    /// Whether the run has not come to the task that it starts at, and this is not it either.
    pub(super) fn passed_over(&self, play: &PlayRun, host: &Host, task: &Task) -> bool {
        let mut start_at = lock(&self.start_at);
        let Some(wanted) = start_at.as_deref() else { return false };
        // facts are gathered all the same
        if task.place == play.vars.play.place {
            return false;
        }
        let label = self.label(play, host, task, super::play_run::Handler::No);
        let titles = [label.title(), label.name.to_string()];
        if !titles.iter().any(|title| fits(wanted, title)) {
            return true;
        }
        *start_at = None;
        false
    }

    /// Whether a play has the task that the run starts at; a play without it is passed over.
    pub(super) fn starts_in(&self, play: &Play) -> bool {
        let start_at = lock(&self.start_at);
        let Some(wanted) = start_at.as_deref() else { return true };
        fn any(items: &[Item], wanted: &str) -> bool {
            items.iter().any(|item| match item {
                Item::Task(task) => {
                    let name =
                        task.name.as_ref().map_or_else(|| task.module.to_string(), |n| n.value.to_text());
                    let role = task.scope.role().map(|role| format!("{} : {name}", role.full_name()));
                    fits(wanted, &name) || role.is_some_and(|title| fits(wanted, &title))
                }
                Item::Block(block) => {
                    any(&block.tasks, wanted) || any(&block.rescue, wanted) || any(&block.always, wanted)
                }
                Item::FlushHandlers | Item::RoleEnd(_) => false,
            })
        }
        any(&play.items, wanted)
    }

    /// Asks whether a task shall be taken (`--step`).
    pub(super) async fn stepped_over(&self, label: &Arc<TaskLabel>) -> bool {
        if !self.stepping.load(Ordering::Relaxed) {
            return false;
        }
        let prompter = Arc::clone(&self.options.prompter);
        let prompt = format!("Perform task: TASK: {} (N)o/(y)es/(c)ontinue: ", label.title());
        let answer = tokio::task::spawn_blocking(move || prompter.ask(&prompt, true)).await;
        match answer {
            Ok(Ok(Some(answer))) => match answer.trim().to_lowercase().as_str() {
                "y" | "yes" => false,
                "c" | "continue" => {
                    self.stepping.store(false, Ordering::Relaxed);
                    false
                }
                _ => true,
            },
            // nobody can be asked: nothing is done unasked
            Ok(Ok(None) | Err(_)) | Err(_) => {
                self.warn_once("`--step` needs a terminal to ask on: no task is taken");
                true
            }
        }
    }
}

/// Whether a title is the wanted one, or fits it as a pattern of a shell.
fn fits(wanted: &str, title: &str) -> bool {
    wanted == title
        || globset::GlobBuilder::new(wanted)
            .literal_separator(false)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(title))
}
