//! Renders a template of the project with the task's variables into a file on the host.
//!
//! ```yaml
//! - name: The proxy knows its backends
//!   ansible.builtin.template:
//!     src: proxy.conf.j2
//!     dest: /etc/nginx/conf.d/proxy.conf
//!     owner: root
//!     group: root
//!     mode: "0644"
//!     validate: nginx -t -c %s
//! ```

use super::attributes::FileAttributes;
use super::contract::{Failed, FreeForm, Halt, Module, ModuleDoc, Plan, Step, fail};
use super::encoding::Encoding;
use super::params::{Mode, PathText};
use super::paths;
use super::view::{Search, TemplateOptions, View};
use super::write_file::{self, Replace, Show, Verdict, Write};
use crate::base::Map;
use crate::params;
use crate::wire::action::Bytes;
use crate::wire::{Done, Failure, Follow};

/// As `ansible.builtin.template`.
pub struct Template;

params! {
    /// Parameters of `template`.
    pub struct TemplateParams {
        /// The template, searched for in `templates/` of the role and beside the playbook.
        src: PathText;
        /// The file that is written. With a trailing slash, or where a directory is, it gets the name of `src` below it.
        dest: PathText;
        /// Whether a file that is replaced is kept beside the new one, its name and the time in the name.
        backup: bool = false;
        /// Whether a file that is there is replaced where it differs. Otherwise only a missing one is made.
        force: bool = true;
        /// Whether, where the destination is a symbolic link, the file that it leads to is written. Otherwise the link
        /// is replaced.
        follow: bool = false;
        /// A command that must accept the new file before it replaces the old one; `%s` stands for its path.
        validate: Option<String>;
        /// Whether the first line break after a block is removed.
        trim_blocks: bool = true;
        /// Whether blanks and tabs before a block, from the start of its line, are removed.
        lstrip_blocks: bool = false;
        /// The line breaks of the result: `\n`, `\r` or `\r\n`.
        newline_sequence: String = "\n";
        /// What starts a block instead of `{%`.
        block_start_string: Option<String>;
        /// What ends a block instead of `%}`.
        block_end_string: Option<String>;
        /// What starts an expression instead of `{{`.
        variable_start_string: Option<String>;
        /// What ends an expression instead of `}}`.
        variable_end_string: Option<String>;
        /// What starts a comment instead of `{#`.
        comment_start_string: Option<String>;
        /// What ends a comment instead of `#}`.
        comment_end_string: Option<String>;
        /// The encoding of the file that is written.
        output_encoding: String = "utf-8";
    }
    include { attributes: FileAttributes }
}

impl Module for Template {
    type Params = TemplateParams;

    const DOC: ModuleDoc = ModuleDoc {
        name: "template",
        collection: "ansible.builtin",
        aliases: &[],
        free_form: FreeForm::Pairs,
        source: include_str!("template.rs"),
        returns: &[
            ("dest", "the file that was written"),
            ("src", "the template"),
            ("checksum", "SHA-1 of the content"),
            ("md5sum", "MD5 of the content, where it was written"),
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

    fn plan(params: &TemplateParams, view: &View<'_>) -> Result<Step, Halt> {
        let dest = paths::checked("dest", &params.dest)?;
        let options = options(params, &dest)?;
        let source = view.controller().find(Search::Templates, &params.src)?;
        let shown = source.display().to_string();
        let name = paths::basename(&shown);
        let likely = if dest.ends_with('/') { paths::join(&dest, name) } else { dest.clone() };
        view.want(write_file::queries(&likely, &params.attributes));
        // before the host is asked: what is wrong in the template is wrong whatever the host says
        let rendered = view.controller().render(&source, &options)?;
        if let Some(unknown) = rendered.unknown {
            return Err(Halt::Unknown(unknown));
        }
        let name_of = &params.output_encoding;
        let Some(encoding) = Encoding::find(name_of) else {
            return fail(format!("unknown encoding: {name_of}"));
        };
        let Some(bytes) = encoding.encode(&rendered.text) else {
            return fail(format!(
                "'{name_of}' codec can't encode the text of {shown}: it lacks one of its characters"
            ));
        };
        let content = Bytes::Inline(bytes);
        let mode = match &params.attributes.mode {
            Some(Mode::Preserve) => Some(Mode::Bits(view.controller().read(&source)?.1)),
            other => other.clone(),
        };
        let file = write_file::destination(&dest, name, view)?;
        let mut plan = Plan::default();
        write_file::directory_is_there(&mut plan, &file, view)?;
        let sha1 = content.sha1();
        let write = Write {
            module: "template",
            dest: &file,
            sha1: &sha1,
            content: &|| Ok(content.clone()),
            known: None,
            show: if rendered.tainted { Show::Hidden } else { Show::Text },
            attributes: &params.attributes,
            mode,
            follow: if params.follow { Follow::Yes } else { Follow::No },
            replace: if params.force { Replace::Differing } else { Replace::Never },
            backup: params.backup,
            validate: params.validate.as_deref(),
        };
        if write_file::write(&mut plan, &write, view)? != Verdict::Same {
            plan = plan.with("src", shown);
        }
        Ok(Step::Plan(plan))
    }

    fn result(_: &TemplateParams, view: &View<'_>, plan: &Plan, outcomes: &[Done]) -> Result<Map, Halt> {
        write_file::final_result(view, plan, outcomes)
    }

    fn failure(_: &TemplateParams, _: &Plan, _: usize, failure: &Failure) -> Failed {
        write_file::failed(failure)
    }
}

fn options(params: &TemplateParams, destination: &str) -> Result<TemplateOptions, Halt> {
    let newline_sequence = match params.newline_sequence.as_str() {
        "\n" | "\\n" => "\n",
        "\r" | "\\r" => "\r",
        "\r\n" | "\\r\\n" => "\r\n",
        _ => return fail("newline_sequence needs to be one of: \n, \r or \r\n"),
    };
    Ok(TemplateOptions {
        trim_blocks: params.trim_blocks,
        lstrip_blocks: params.lstrip_blocks,
        newline_sequence: newline_sequence.to_owned(),
        block_start_string: params.block_start_string.clone(),
        block_end_string: params.block_end_string.clone(),
        variable_start_string: params.variable_start_string.clone(),
        variable_end_string: params.variable_end_string.clone(),
        comment_start_string: params.comment_start_string.clone(),
        comment_end_string: params.comment_end_string.clone(),
        source: params.src.to_string(),
        destination: destination.to_owned(),
    })
}
