//! The live view: a line for each host that is at work, below what has been written, on a terminal only.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use crate::engine::Event;
use crate::secrets::{Known, Reach};

/// The most lines it takes.
const MOST_LINES: usize = 12;

/// A reporter with live lines below it.
pub struct Live<R> {
    below: R,
    lines: MultiProgress,
    bars: HashMap<Arc<str>, ProgressBar>,
    task: String,
    known: Arc<Known>,
}

impl<R: Reporter> Live<R> {
    /// Live lines on standard error below a reporter, without the secrets that are known.
    pub fn new(below: R, known: Arc<Known>) -> Self {
        Self {
            below,
            lines: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            bars: HashMap::new(),
            task: String::new(),
            known,
        }
    }

    fn busy(&mut self, host: &Arc<str>, what: &str) {
        let room = self.bars.len() < MOST_LINES;
        if !self.bars.contains_key(host) {
            if !room {
                return;
            }
            let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}  {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.lines.add(ProgressBar::new_spinner().with_style(style));
            bar.set_prefix(host.to_string());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bars.insert(Arc::clone(host), bar);
        }
        if let Some(bar) = self.bars.get(host) {
            let text = format!("{}: {what}", self.task);
            bar.set_message(self.known.scrubbed(&text, Reach::Everything));
        }
    }
}

impl<R: Reporter> Reporter for Live<R> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TaskStarted { task, .. } => self.task = task.title(),
            Event::HostBusy { host, what: Some(what) } => self.busy(host, what),
            Event::HostBusy { host, what: None } => {
                if let Some(bar) = self.bars.remove(host) {
                    bar.finish_and_clear();
                    self.lines.remove(&bar);
                }
            }
            Event::RunFinished { .. } => {
                for (_, bar) in self.bars.drain() {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
        let below = &mut self.below;
        self.lines.suspend(|| below.event(event))
    }
}
