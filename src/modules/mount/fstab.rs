//! fstab(5), and the kernel's list of mounts.

/// A line of fstab.
pub(super) struct Entry {
    pub(super) src: String,
    pub(super) path: String,
    pub(super) fstype: String,
    pub(super) opts: String,
    pub(super) dump: String,
    pub(super) passno: String,
}

fn escaped(field: &str) -> String {
    field.replace('\\', "\\134").replace(' ', "\\040").replace('&', "\\046")
}

impl Entry {
    fn fields(&self) -> [String; 6] {
        let Self { src, path, fstype, opts, dump, passno } = self;
        [src, path, fstype, opts, dump, passno].map(|field| escaped(field))
    }
}

/// The fields of a line, where it is an entry.
fn fields_of(line: &str) -> Option<[&str; 6]> {
    if line.trim().starts_with('#') {
        return None;
    }
    let fields: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
    match fields.as_slice() {
        [src, path, fstype, opts] => Some([src, path, fstype, opts, "0", "0"]),
        [src, path, fstype, opts, dump] => Some([src, path, fstype, opts, dump, "0"]),
        [src, path, fstype, opts, dump, passno] => Some([src, path, fstype, opts, dump, passno]),
        _ => None,
    }
}

fn lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_inclusive('\n')
        .map(|line| if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") })
}

/// The text with an entry for its mount point; `None` where it is there already.
pub(super) fn set(text: &str, entry: &Entry) -> Option<String> {
    let wanted = entry.fields();
    let (mut out, mut exists, mut changed) = (String::new(), false, false);
    for line in lines(text) {
        let Some(fields) = fields_of(&line) else {
            out.push_str(&line);
            continue;
        };
        let [src, path, fstype, ..] = &fields;
        let [wanted_src, wanted_path, wanted_type, ..] = &wanted;
        // there may be many entries of swap, and none of `none` is the same as another
        let is_same = *path == wanted_path
            && !(matches!(*path, "none" | "swap")
                && *fstype == "swap"
                && wanted_type == "swap"
                && src != wanted_src);
        if !is_same {
            out.push_str(&line);
            continue;
        }
        exists = true;
        if fields.iter().zip(&wanted).all(|(found, wanted)| found == wanted) {
            out.push_str(&line);
        } else {
            out.push_str(&format!("{}\n", wanted.join(" ")));
            changed = true;
        }
    }
    if !exists {
        out.push_str(&format!("{}\n", wanted.join(" ")));
        changed = true;
    }
    changed.then_some(out)
}

/// The text without a mount point; `None` where it is not there.
pub(super) fn unset(text: &str, path: &str, src: Option<&str>) -> Option<String> {
    let wanted = escaped(path);
    let (mut out, mut changed) = (String::new(), false);
    for line in text.split_inclusive('\n') {
        let is_it = fields_of(line).is_some_and(|[found_src, found, ..]| {
            found == wanted && (found != "none" || src.is_none_or(|src| found_src == escaped(src)))
        });
        if is_it { changed = true } else { out.push_str(line) }
    }
    changed.then_some(out)
}

/// What is mounted at a path, by the kernel's list: the last one. Of a part of a file system it is that part.
pub(super) fn mounted(mounts: &str, path: &str) -> Option<String> {
    let kernel = |path: &str| path.replace('\\', "\\134").replace(' ', "\\040");
    let wanted = kernel(path);
    mounts.lines().rev().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let fields: Vec<&str> = left.split_whitespace().collect();
        let (root, at) = (fields.get(3)?, fields.get(4)?);
        if **at != wanted {
            return None;
        }
        let source = right.split_whitespace().nth(1).unwrap_or_default();
        Some(if *root == "/" { source.to_owned() } else { (*root).to_owned() })
    })
}

/// The kernel's list without a mount point.
pub(super) fn without(mounts: &str, path: &str) -> String {
    let at = |line: &str| line.split_whitespace().nth(4).map(str::to_owned);
    let wanted = Some(path.replace('\\', "\\134").replace(' ', "\\040"));
    mounts.lines().filter(|line| at(line) != wanted).flat_map(|line| [line, "\n"]).collect()
}

/// How the kernel will list a mount.
pub(super) fn mountinfo_line(entry: &Entry) -> String {
    let Entry { src, path, fstype, .. } = entry;
    let path = path.replace('\\', "\\134").replace(' ', "\\040");
    format!("0 0 0:0 / {path} rw - {fstype} {src} rw\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_set_and_taken_out() {
        let entry = |opts: &str| Entry {
            src: "/dev/x".into(),
            path: "/srv/a b".into(),
            fstype: "ext4".into(),
            opts: opts.into(),
            dump: "0".into(),
            passno: "0".into(),
        };
        let text = "# static\n/dev/y / ext4 defaults 0 1\n";
        let with = set(text, &entry("ro")).unwrap();
        assert_eq!(with, format!("{text}/dev/x /srv/a\\040b ext4 ro 0 0\n"));
        assert_eq!(set(&with, &entry("ro")), None);
        assert_eq!(set(&with, &entry("rw")).unwrap(), with.replace(" ro ", " rw "));
        assert_eq!(unset(&with, "/srv/a b", None).unwrap(), text);
        assert_eq!(unset(text, "/srv/a b", None), None);
    }

    #[test]
    fn the_kernels_list_is_read() {
        let list = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:1 /var/x /mnt/a\\040b rw - ext4 /dev/sda1 rw\n";
        assert_eq!(mounted(list, "/").as_deref(), Some("/dev/sda1"));
        assert_eq!(mounted(list, "/mnt/a b").as_deref(), Some("/var/x"));
        assert_eq!(mounted(list, "/mnt"), None);
        assert_eq!(mounted(&without(list, "/mnt/a b"), "/mnt/a b"), None);
    }
}
