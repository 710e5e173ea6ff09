//! `remote_src`: from one place on the host to another.

use super::{CopyParams, One, follow, may_be_directory, mode, one, prepare, stat};
use crate::modules::contract::{Halt, Plan, fail};
use crate::modules::params::Mode;
use crate::modules::paths;
use crate::modules::view::View;
use crate::modules::write_file::{self, EDIT_LIMIT, Show};
use crate::wire::action::Bytes;
use crate::wire::{Algorithm, Content, Digest, FileKind, Follow, Observation, Query};

pub(super) fn plan(params: &CopyParams, src: &str, dest: &str, view: &View<'_>) -> Result<Plan, Halt> {
    let src = paths::checked("src", src)?;
    let name = paths::basename(&src);
    let sum = Query::Digest { path: src.clone(), algorithm: Algorithm::Sha1, limit: None };
    view.want([stat(&src, Follow::Yes), sum]);
    if !dest.ends_with('/') {
        view.want(write_file::queries(dest, &params.attributes));
    }
    if dest.ends_with('/') || may_be_directory(dest) {
        view.want(write_file::queries(&paths::join(dest, name), &params.attributes));
    }
    let Some(source) = view.stat(&src, Follow::Yes)? else { return fail(format!("Source {src} not found")) };
    if !source.readable {
        return fail(format!("Source {src} not readable"));
    }
    match source.kind {
        FileKind::File => {}
        FileKind::Directory => return fail("`remote_src` of a directory in `copy` is not supported yet"),
        _ => return fail(format!("Cannot copy invalid source '{src}': not a file")),
    }
    let Digest::Hash { hex: sha1, .. } = view.sha1(&src)? else {
        return fail(format!("Source {src} not readable"));
    };
    if params.checksum.as_ref().is_some_and(|wanted| *wanted != sha1) {
        return fail("Copied file does not match the expected checksum. Transfer failed.");
    }
    let file = write_file::destination(dest, name, view)?;
    let mut plan = Plan::default();
    prepare(&mut plan, params, dest, &file, view)?;
    let content = || {
        let query = Query::Content { path: src.clone(), limit: EDIT_LIMIT };
        match &*view.ask(&query)? {
            Observation::Content(Content::Bytes(bytes)) => Ok(Bytes::Inline(bytes.clone())),
            Observation::Content(Content::TooLarge { size }) => fail(format!(
                "`remote_src` of a file of {size} bytes in `copy` is not supported yet: the limit is {EDIT_LIMIT}"
            )),
            _ => fail(format!("Source {src} not found")),
        }
    };
    // a file that is written has the mode of its source, as one copied with its stat
    let same = view.sha1(&file)?;
    let written = !matches!(&same, Digest::Hash { hex, .. } if *hex == sha1);
    let mode = mode(params, source.mode).or_else(|| written.then_some(Mode::Bits(source.mode)));
    let copied = One { sha1: &sha1, content: &content, show: Show::Text, mode, follow: follow(params) };
    one(&mut plan, params, &file, &copied, view)?;
    Ok(plan.with("src", src))
}
