//! Files of repositories, as Python's `configparser` reads and writes them: comments do not come back.

/// A section with its options, each with its lines.
type Lines = (String, Vec<(String, Vec<String>)>);

/// Sections in the order of the file, each with its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    /// Reads a file; the error is the number of a line that is neither a section nor an option.
    pub fn read(text: &str) -> Result<Self, usize> {
        let mut sections: Vec<Lines> = Vec::new();
        let mut indent = 0;
        let mut continues = false;
        for (number, line) in text.lines().enumerate() {
            let bare = line.trim();
            if bare.starts_with(['#', ';']) {
                continue;
            }
            let option = sections.last_mut().and_then(|(_, options)| options.last_mut());
            if bare.is_empty() {
                if let Some((_, lines)) = option.filter(|_| continues) {
                    lines.push(String::new());
                }
                continue;
            }
            let here = line.len() - line.trim_start().len();
            if let Some((_, lines)) = option.filter(|_| continues && here > indent) {
                lines.push(bare.to_owned());
                continue;
            }
            indent = here;
            if let Some((name, _)) = bare.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
                continues = false;
                if !sections.iter().any(|(known, _)| known == name) {
                    sections.push((name.to_owned(), Vec::new()));
                }
                continue;
            }
            let (Some((name, value)), Some((_, options))) =
                (bare.split_once(['=', ':']), sections.last_mut())
            else {
                return Err(number + 1);
            };
            continues = true;
            options.push((name.trim().to_lowercase(), vec![value.trim().to_owned()]));
        }
        let joined = |(name, lines): (String, Vec<String>)| (name, lines.join("\n").trim_end().to_owned());
        let section = |(name, options): Lines| (name, options.into_iter().map(joined).collect());
        Ok(Self { sections: sections.into_iter().map(section).collect() })
    }

    /// Whether there is no section.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Takes a section away.
    pub fn remove(&mut self, name: &str) {
        self.sections.retain(|(known, _)| known != name);
    }

    /// Puts a section at the end.
    pub fn add(&mut self, name: &str, options: Vec<(String, String)>) {
        self.sections.push((name.to_owned(), options));
    }

    /// Everything in the order of names: two that are equal mean the same.
    pub fn sorted(&self) -> Self {
        let mut all = self.clone();
        all.sections.sort();
        for (_, options) in &mut all.sections {
            options.sort();
        }
        all
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, options) in &self.sections {
            text += &format!("[{name}]\n");
            for (name, value) in options {
                text += &format!("{name} = {}\n", value.replace('\n', "\n\t"));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_written_as_python_does() {
        let text = "# head\n[a]\nName: A\nbaseurl=http://x\n  http://y\n\n[b]\nenabled = 1\n";
        let ini = Ini::read(text).unwrap();
        assert_eq!(ini.text(), "[a]\nname = A\nbaseurl = http://x\n\thttp://y\n\n[b]\nenabled = 1\n\n");
        assert_eq!(Ini::read(&ini.text()), Ok(ini.clone()));
        let mut other = ini.clone();
        other.remove("a");
        other.add("a", vec![("baseurl".into(), "http://x\nhttp://y".into()), ("name".into(), "A".into())]);
        assert_ne!(other, ini);
        assert_eq!(other.sorted(), ini.sorted());
        assert_eq!(Ini::read("[a]\nnonsense\n"), Err(2));
        assert_eq!(Ini::read("x = 1\n"), Err(1));
        assert!(Ini::read("# nothing\n").unwrap().is_empty());
    }
}
