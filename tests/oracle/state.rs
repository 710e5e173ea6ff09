//! What a host is like after a case: told by its own tools over OpenSSH, not by either program.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::Case;
use crate::normal::Normal;
use crate::world::{Pair, Side};

/// Asks the host for everything that the case wants compared.
///
/// # Errors
/// If it cannot be asked.
pub fn read(
    pair: &Pair<'_>,
    side: Side,
    case: &Case,
    normal: &Normal,
) -> Result<BTreeMap<String, String>, String> {
    let script = script(case);
    if script.is_empty() {
        return Ok(BTreeMap::new());
    }
    let told = pair.ssh(side, &script)?;
    let told = normal.text(&told);
    // several backups of one file have one name once their times are taken out
    let mut state: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in told.lines().filter_map(|line| line.split_once('\t')) {
        state.entry(key).or_default().insert(value);
    }
    Ok(state
        .into_iter()
        .map(|(key, values)| (key.into(), values.into_iter().collect::<Vec<_>>().join(" and ")))
        .collect())
}

/// The commands that print a line `what<TAB>how` for each thing.
pub fn script(case: &Case) -> String {
    let mut script = String::new();
    for path in &case.paths {
        script += &format!(
            "find {path} -xdev ! -type d -printf 'file %p\\t%y %m %u:%g -> %l\\n' -o -printf 'file %p\\t%y %m %u:%g\\n' \
             2>/dev/null\nfind {path} -xdev -type f -exec sha256sum {{}} + 2>/dev/null | sed -E \
             's/^(\\S+)  (.*)/content \\2\\t\\1/'\n"
        );
    }
    for package in &case.packages {
        script += &format!(
            "dpkg-query -W -f='package ${{Package}}\\t${{Status}} ${{Version}}\\n' {package} 2>/dev/null\n"
        );
    }
    for unit in &case.units {
        script += &format!(
            "printf 'unit {unit}\\t%s %s\\n' \"$(systemctl is-enabled {unit} 2>/dev/null)\" \"$(systemctl is-active \
             {unit} 2>/dev/null)\"\n"
        );
    }
    for user in &case.users {
        script += &format!(
            "getent passwd {user} | sed 's/^/passwd {user}\\t/'\ngetent group {user} | sed 's/^/group {user}\\t/'\n\
             id -Gn {user} 2>/dev/null | tr ' ' '\\n' | sort | tr '\\n' ' ' | sed 's/^/groups {user}\\t/;$a\\'\n\
             getent shadow {user} | cut -d: -f2,4- | sed -E 's/^\\$[^:]*/HASH/;s/^/shadow {user}\\t/'\n"
        );
    }
    if !script.is_empty() {
        script += "true\n";
    }
    script
}
