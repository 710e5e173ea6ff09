//! Downloads a file to the host.
//!
//! ```yaml
//! - name: The release is there
//!   ansible.builtin.get_url:
//!     url: https://example.com/app-1.2.tar.gz
//!     dest: /opt/app-1.2.tar.gz
//!     checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//!     mode: "0644"
//! ```

mod checksum;

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::params::PathText;
use super::paths;
use super::view::View;
use super::web::{self, UrlParams};
use super::write_file::{self, Replace, Show, Verdict, Write};
use crate::base::{Map, Value};
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::{Algorithm, Digest, Done, Download, Failure, FileKind, Follow, Query, Sealed, Stat};

/// As `ansible.builtin.get_url`.
pub struct GetUrl;

params! {
    /// Parameters of `get_url`.
    pub struct GetUrlParams {
        /// The URL: `http://`, `https://`, or `file://` of the host.
        url: String;
        /// The file, or a directory in which it gets the name that the server gives it or that it has in the URL.
        dest: PathText;
        /// Whether the former file is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// Whether it is downloaded though the server may say that it has not changed.
        force: bool = false;
        /// The checksum that it must have, `ALGORITHM:CHECKSUM`, or `ALGORITHM:URL` of a file with checksums. A file that
        /// has it is not downloaded again.
        checksum: String = "";
        /// Seconds for the download.
        timeout: u32 = 10u32;
        /// Headers.
        headers: Map = Map::new();
        /// Without effect: the file is staged beside its place.
        tmp_dest: Option<PathText>;
        /// Without effect: credentials never go to another host.
        unredirected_headers: Vec<String>;
        /// Whether a compressed answer is unpacked.
        decompress: bool = true;
        /// Ciphers of TLS; not supported.
        ciphers: Option<Vec<String>>;
        /// Whether `~/.netrc` is used; it is not.
        use_netrc: bool = true;
    }
    include { web: UrlParams, attributes: FileAttributes }
}

impl Module for GetUrl {
    type Params = GetUrlParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "get_url",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("get_url.rs"),
        returns: &[
            ("dest", "the file"),
            ("url", "the URL"),
            ("status_code", "the status of the answer"),
            ("checksum_src", "SHA-1 of what was downloaded"),
            ("checksum_dest", "SHA-1 of the file as it was"),
            ("md5sum", "MD5 of what was downloaded"),
            ("elapsed", "seconds that it took"),
            ("backup_file", "the former file, where it was kept"),
            ("state", "what the path is now"),
            ("mode", "its permissions, in octal"),
            ("owner", "its owner's name"),
            ("group", "its group's name"),
            ("uid", "its owner's number"),
            ("gid", "its group's number"),
            ("size", "its size in bytes"),
        ],
    };

    fn plan(params: &GetUrlParams, view: &View<'_>) -> Result<Step, Halt> {
        if params.ciphers.is_some() {
            return fail("parameter `ciphers` of `get_url` is not supported yet");
        }
        let dest = paths::checked("dest", &params.dest)?;
        view.want(write_file::queries(&dest, &params.attributes));
        let wanted = checksum::wanted(params, view)?;
        let there = view.stat(paths::trimmed(&dest), Follow::Yes)?;
        let is_directory = there.as_ref().is_some_and(|stat| stat.kind == FileKind::Directory);
        let mut force = params.force;
        let known = there.as_ref().filter(|_| !is_directory);
        if let (Some(_), Some((algorithm, sum)), false) = (known, &wanted, force) {
            match view.digest(&dest, *algorithm)? {
                Digest::Hash { hex, .. } if hex == *sum => return present(params, &dest, view),
                // what the server says of its age does not matter then
                _ => force = true,
            }
        }
        let Download { answer, content, digests } = fetch(params, known.filter(|_| !force), force, view)?;
        let elapsed = answer.elapsed / 1_000_000;
        let common = || {
            crate::map! {
                "url" => web::credentials(&params.url).0, "dest" => dest.as_str(), "elapsed" => elapsed,
                "status_code" => u32::from(answer.status),
            }
        };
        if answer.status == 304 {
            let mut plan = Plan::nothing("the server has nothing newer");
            plan.result = common();
            if let Some(there) = view.stat(&dest, Follow::Yes)? {
                plan.result.extend(super::attributes::path_keys(&there));
            }
            return Ok(Step::Plan(plan.with("msg", web::said(&answer))));
        }
        let Some(content) = content else {
            let mut result = common();
            result.insert("response".into(), web::said(&answer).into());
            return Err(Failed { message: "Request failed".to_owned(), result, ..Failed::default() }.into());
        };
        let hash =
            |algorithm| digests.iter().find(|(known, _)| *known == algorithm).map(|(_, hash)| hash.clone());
        if let Some((algorithm, sum)) = &wanted
            && hash(*algorithm).as_ref() != Some(sum)
        {
            let is = hash(*algorithm).unwrap_or_default();
            let message = format!("The checksum for {} did not match {sum}; it was {is}.", params.url);
            return Err(Failed { message, result: common(), ..Failed::default() }.into());
        }
        let file = if is_directory {
            let named = web::header(&answer, "content-disposition").and_then(name_in);
            paths::join(&dest, named.as_deref().unwrap_or_else(|| web::file_name(&answer.url)))
        } else {
            dest.clone()
        };
        write(params, &file, &content, &hash, view).map(|mut plan| {
            let keys = common().into_iter().filter(|(key, _)| key.as_str() != Some("dest"));
            plan.result.extend(keys);
            Step::Plan(plan.with("msg", web::said(&answer)))
        })
    }

    fn result(_: &GetUrlParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }

    fn failure(_: &GetUrlParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        write_file::failed(failure)
    }
}

/// The file has the checksum: only its attributes are settled.
fn present(params: &GetUrlParams, dest: &str, view: &View<'_>) -> Result<Step, Halt> {
    let Digest::Hash { hex: sha1, size } = view.sha1(dest)? else {
        return fail(format!("`{dest}` is not a regular file"));
    };
    let content = || Ok(Bytes::OnHost { path: dest.to_owned(), sha1: sha1.clone(), size });
    let mut plan = Plan::default();
    write_content(&mut plan, params, dest, &sha1, &content, view)?;
    let message = if plan.changes.is_empty() {
        "file already exists"
    } else {
        "file already exists but file attributes changed"
    };
    for key in ["checksum", "path"] {
        plan.result.shift_remove(key);
    }
    let keys = crate::map! {
        "msg" => message, "checksum_src" => Value::Null, "checksum_dest" => Value::Null, "elapsed" => 0,
        "url" => web::credentials(&params.url).0, "dest" => dest,
    };
    plan.result.extend(keys);
    Ok(Step::Plan(plan))
}

/// Asks for it; of what is there the server may say that it has nothing newer.
fn fetch(
    params: &GetUrlParams,
    known: Option<&Stat>,
    force: bool,
    view: &View<'_>,
) -> Result<Download, Halt> {
    if let Some(path) = params.url.strip_prefix("file://") {
        return of_host(path, view);
    }
    if !params.url.starts_with("http://") && !params.url.starts_with("https://") {
        return fail(format!("only http, https and file are supported, not `{}`", params.url));
    }
    let mut request = params.web.request(&params.url, &params.headers, params.timeout)?;
    if force {
        request.headers.push(("cache-control".to_owned(), Sealed::text("no-cache")));
    } else if let Some(stat) = known
        && let Ok(time) = jiff::Timestamp::from_second(stat.modified.div_euclid(1_000_000_000))
    {
        let time = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        request.headers.push(("If-Modified-Since".to_owned(), Sealed::text(time)));
    }
    web::download(request, view)
}

/// A file that is on the host already, as if it had been downloaded.
fn of_host(path: &str, view: &View<'_>) -> Result<Download, Halt> {
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    view.want(algorithms.map(|algorithm| Query::Digest { path: path.to_owned(), algorithm, limit: None }));
    let mut digests = Vec::new();
    let mut bytes = 0;
    for algorithm in algorithms {
        match view.digest(path, algorithm)? {
            Digest::Hash { hex, size } => {
                digests.push((algorithm, hex));
                bytes = size;
            }
            _ => {
                return fail(format!(
                    "Request failed: <urlopen error [Errno 2] No such file or directory: '{path}'>"
                ));
            }
        }
    }
    let sha1 =
        digests.iter().find(|(algorithm, _)| *algorithm == Algorithm::Sha1).map(|(_, hash)| hash.clone());
    let answer = crate::wire::outcome::HttpAnswer {
        status: 200,
        reason: "OK".to_owned(),
        url: format!("file://{path}"),
        headers: vec![("content-length".to_owned(), bytes.to_string())],
        body: Vec::new(),
        elapsed: 0,
    };
    let content = Bytes::OnHost { path: path.to_owned(), sha1: sha1.unwrap_or_default(), size: bytes };
    Ok(Download { answer, content: Some(content), digests })
}

fn write(
    params: &GetUrlParams,
    file: &str,
    content: &Bytes,
    hash: &dyn Fn(Algorithm) -> Option<String>,
    view: &View<'_>,
) -> Result<Plan, Halt> {
    let above = paths::parent(file);
    if view.stat(file, Follow::No)?.is_none() && view.stat(above, Follow::Yes)?.is_none() {
        return fail(format!("Destination {above} does not exist"));
    }
    let sha1 = content.sha1();
    let before = match view.sha1(file)? {
        Digest::Hash { hex, .. } => Value::from(hex),
        _ => Value::Null,
    };
    let mut plan = Plan::default();
    let verdict = write_content(&mut plan, params, file, &sha1, &|| Ok(content.clone()), view)?;
    if verdict == Verdict::Written {
        plan.summary = format!("download {file}");
    }
    for key in ["path", "checksum"] {
        plan.result.shift_remove(key);
    }
    let md5 = hash(Algorithm::Md5).map_or(Value::Null, Value::from);
    let keys =
        crate::map! {"checksum_src" => sha1, "checksum_dest" => before, "md5sum" => md5, "dest" => file};
    plan.result.extend(keys);
    Ok(plan)
}

fn write_content(
    plan: &mut Plan,
    params: &GetUrlParams,
    file: &str,
    sha1: &str,
    content: &dyn Fn() -> Result<Bytes, Halt>,
    view: &View<'_>,
) -> Result<Verdict, Halt> {
    let write = Write {
        module: "get_url",
        dest: paths::trimmed(file),
        sha1,
        content,
        known: None,
        show: Show::Text,
        attributes: &params.attributes,
        mode: params.attributes.mode.clone(),
        follow: Follow::No,
        replace: Replace::Differing,
        backup: params.backup,
        validate: None,
    };
    write_file::write(plan, &write, view)
}

/// The file's name in a `Content-Disposition`.
fn name_in(header: &str) -> Option<String> {
    let value = header.split(';').find_map(|part| part.trim().strip_prefix("filename="))?;
    let name = value.trim().trim_matches('"').rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}
