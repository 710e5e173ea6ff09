//! What a text is compared by: its lines under the heading they belong to, hosts in order, without what cannot be equal.

use std::sync::LazyLock;

use regex::{Captures, Regex};

#[expect(clippy::unwrap_used, reason = "the patterns are constants")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// A heading: the stars fill the line.
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([A-Z][A-Z ]*(?:\[.*\])?) \*{3,}$"));
/// The first line of what is told of a host.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:ok|changed|fatal|failed|skipping|rescued|unreachable|included|FAILED - RETRYING|ASYNC [A-Z]+ on [^:]*): (.*)|(\[ERROR\]: .*|\S+ +: ok=.*))$",
    )
});
/// The place of an error: Ansible's columns are those of the value, fleet's those of what is wrong in it.
static ORIGIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(Origin: .*?:\d+)(?::\d+)?$"));
/// An excerpt of a file below a place, and the mark of the column.
static EXCERPT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\s*\d+ .*|\s*\d+|\s+\^ column \d+|\s+column \d+ \^)$"));
/// Why a plugin cannot read an inventory: fleet has words of its own, and the line.
static UNREAD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\[WARNING\]: Failed to parse inventory with '\w+' plugin): .*$"));
/// What follows what stands in no file.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:<<< caused by >>>|[A-Z]+ \[.*|\[[A-Z]+\]: .*|\S+ \| .*|fatal: .*|failed: .*|Origin: .*|[A-Z].*)$",
    )
});
/// Temporary files.
static TEMPORARY: LazyLock<Regex> = LazyLock::new(|| pattern(r"ansible-(?:local-|tmp-)[0-9A-Za-z._-]+"));
/// The names of jobs.
static JOB: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bj\d+\.\d+\b"));
/// What stands below `Origin: <…>`: how Ansible shows what stands in no file.
static NOWHERE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Origin: <.*>$"));
/// Times that something took.
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"("(?:start|end|delta|stop|ansible_job_id|results_file)": )(?:"[^"]*"|[0-9.]+)"#)
});

/// A host that `--list-hosts` lists: Ansible lists them in no order.
static LISTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ {6}\S+$"));

/// A host, and the lines about it.
type Block = (String, Vec<String>);

/// The lines of a text, each with the heading it stands under.
pub fn lines(text: &str, unordered: bool) -> Vec<String> {
    let mut sections: Vec<(String, Vec<Block>)> = vec![(String::new(), Vec::new())];
    let (mut excerpt, mut nowhere) = (false, false);
    for line in text.lines() {
        let line = line.trim_end();
        let shown = nowhere && !SAID.is_match(line);
        nowhere = NOWHERE.is_match(line) || (nowhere && line.is_empty());
        if shown {
            continue;
        }
        excerpt = (excerpt && (line.is_empty() || EXCERPT.is_match(line))) || ORIGIN.is_match(line);
        if line.is_empty() || (excerpt && !ORIGIN.is_match(line)) {
            continue;
        }
        if let Some(found) = HEADING.captures(line) {
            sections.push((found.get(1).map_or("", |name| name.as_str()).to_owned(), Vec::new()));
            continue;
        }
        let Some((_, blocks)) = sections.last_mut() else { continue };
        let text = normal(line);
        match (HOST.captures(line), blocks.last_mut()) {
            (Some(found), _) => {
                let host = found.get(1).or_else(|| found.get(2)).map_or("", |host| host.as_str());
                let host = host.split([']', ' ', ',']).next().unwrap_or_default();
                blocks.push((host.to_owned(), vec![text]));
            }
            (None, Some((_, block))) => block.push(text),
            (None, None) => blocks.push((String::new(), vec![text])),
        }
    }
    let mut all: Vec<String> = Vec::new();
    for (heading, mut blocks) in sections {
        // stable: what one host does in a loop keeps its order
        blocks.sort_by(|(one, _), (two, _)| one.cmp(two));
        if unordered {
            let told = |block: Vec<String>| format!("{heading} {}", block.join("\n"));
            all.extend(blocks.into_iter().map(|(_, block)| told(block)));
            continue;
        }
        if !heading.is_empty() {
            all.push(heading);
        }
        all.extend(blocks.into_iter().flat_map(|(_, block)| block));
    }
    for listed in all.chunk_by_mut(|one, two| LISTED.is_match(one) && LISTED.is_match(two)) {
        if listed.len() > 1 {
            listed.sort();
        }
    }
    if unordered {
        all.sort();
    }
    all
}

fn normal(line: &str) -> String {
    let line = ORIGIN.replace(line, "$1");
    let line = UNREAD.replace(&line, "$1: {reason}");
    let line = TEMPORARY.replace_all(&line, "{temporary}");
    let line = JOB.replace_all(&line, "{job}");
    DURATION.replace_all(&line, |found: &Captures<'_>| format!("{}{{time}}", &found[1])).into_owned()
}
