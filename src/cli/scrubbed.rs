//! Standard output and standard error without the secrets that are known: what the command line itself says there.

use std::io::Write;
use std::sync::{Arc, OnceLock};

use super::inventory::Manner;
use crate::report::scrub::Scrubbing;
use crate::secrets::{Known, Reach};

static KNOWN: OnceLock<(Arc<Known>, Reach)> = OnceLock::new();

/// What is kept out of the texts of a manner: under Ansible's names values are shown as Ansible shows them.
pub fn reach(manner: Manner) -> Reach {
    match manner {
        Manner::Fleet => Reach::Everything,
        Manner::Ansible => Reach::Passwords,
    }
}

/// Keeps secrets out of what is said from now on. A process has one project, and so one set of secrets.
pub fn keep_out(known: &Arc<Known>, manner: Manner) {
    // the first is the project's
    let _ = KNOWN.set((Arc::clone(known), reach(manner)));
}

fn scrubbed<W: Write>(out: W) -> Scrubbing<W> {
    let (known, reach) = KNOWN.get().cloned().unwrap_or((Arc::default(), Reach::Everything));
    Scrubbing::new(out, known, reach)
}

/// Standard error.
pub fn stderr() -> impl Write {
    scrubbed(anstream::stderr().lock())
}

/// Standard output.
pub fn stdout() -> impl Write {
    scrubbed(anstream::stdout().lock())
}
