//! INI files as Python's `configparser.ConfigParser` reads them with its defaults.

/// The options of one section, in order; names in lower case.
pub(super) type Options = Vec<(String, String)>;

/// The sections in order, each with its own options and then those of `DEFAULT`.
///
/// # Errors
/// No text: Ansible reports every syntax error in the same words.
pub(super) fn parse(text: &str) -> Result<Vec<(String, Options)>, ()> {
    let mut defaults = Options::new();
    let mut sections: Vec<(String, Options)> = Vec::new();
    // the section that is read, and whether an option of it can be continued
    let mut current: Option<Current> = None;
    let mut in_option = false;
    let mut indent = 0;
    for line in text.lines() {
        let trimmed = line.trim();
        let options = match current {
            None => None,
            Some(Current::Defaults) => Some(&mut defaults),
            Some(Current::Last) => sections.last_mut().map(|(_, options)| options),
        };
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        let last = options.and_then(|options| options.last_mut()).filter(|_| in_option);
        if trimmed.is_empty() {
            if let Some((_, value)) = last {
                value.push('\n');
            }
            continue;
        }
        let line_indent = line.len() - line.trim_start().len();
        if let Some((_, value)) = last
            && line_indent > indent
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        indent = line_indent;
        in_option = false;
        if let Some(name) = section_name(trimmed) {
            if name == "DEFAULT" {
                current = Some(Current::Defaults);
            } else if sections.iter().any(|(known, _)| known == name) {
                return Err(());
            } else {
                sections.push((name.to_owned(), Options::new()));
                current = Some(Current::Last);
            }
            continue;
        }
        let (name, value) = trimmed.split_once(['=', ':']).ok_or(())?;
        let name = name.trim().to_lowercase();
        let options = match current {
            None => return Err(()),
            Some(Current::Defaults) => &mut defaults,
            Some(Current::Last) => &mut sections.last_mut().ok_or(())?.1,
        };
        if name.is_empty() || options.iter().any(|(known, _)| *known == name) {
            return Err(());
        }
        options.push((name, value.trim().to_owned()));
        in_option = true;
    }
    for (_, options) in &mut sections {
        for (name, value) in &defaults {
            if !options.iter().any(|(known, _)| known == name) {
                options.push((name.clone(), value.clone()));
            }
        }
        for (_, value) in options {
            value.truncate(value.trim_end().len());
        }
    }
    Ok(sections)
}

#[derive(Clone, Copy)]
enum Current {
    Defaults,
    Last,
}

fn section_name(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?;
    inner.get(..inner.rfind(']')?).filter(|name| !name.is_empty())
}

/// A value with `%(name)s` replaced by the section's other values and `%%` by a percent sign.
///
/// # Errors
/// What Python says about a value that cannot be interpolated.
pub(super) fn interpolate(section: &str, option: &str, options: &Options) -> Result<String, String> {
    let raw = options.iter().find(|(name, _)| name == option).map_or("", |(_, value)| value.as_str());
    expand(section, option, raw, raw, options, 1)
}

fn expand(
    section: &str,
    option: &str,
    whole: &str,
    raw: &str,
    options: &Options,
    depth: u32,
) -> Result<String, String> {
    if depth > 10 {
        return Err(format!(
            "Recursion limit exceeded in value substitution: option '{option}' in section '{section}' contains an \
             interpolation key which cannot be substituted in 10 steps. Raw value: '{whole}'"
        ));
    }
    let mut out = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
        } else if let Some(reference) = after.strip_prefix('(') {
            let (name, after) = reference
                .split_once(")s")
                .ok_or_else(|| format!("bad interpolation variable reference '%{after}'"))?;
            let name = name.to_lowercase();
            let value = options.iter().find(|(known, _)| *known == name).map(|(_, value)| value).ok_or_else(|| {
                format!(
                    "Bad value substitution: option '{option}' in section '{section}' contains an interpolation key \
                     '{name}' which is not a valid option name. Raw value: '{whole}'"
                )
            })?;
            out.push_str(&expand(section, option, whole, value, options, depth + 1)?);
            rest = after;
        } else {
            return Err(format!("'%' must be followed by '%' or '(', found: '%{after}'"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_their_options_then_the_defaults() {
        let text = "# head\n[DEFAULT]\nhome = /srv\n[One]\nKey: v\npath=%(home)s/x\nlong = a\n  b\n\n  c\n\n[two]\nhome=/h\n";
        let sections = parse(text).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            sections,
            [
                (
                    "One".to_owned(),
                    vec![
                        pair("key", "v"),
                        pair("path", "%(home)s/x"),
                        pair("long", "a\nb\n\nc"),
                        pair("home", "/srv")
                    ]
                ),
                ("two".to_owned(), vec![pair("home", "/h")]),
            ]
        );
        assert_eq!(interpolate("One", "path", &sections[0].1).unwrap(), "/srv/x");
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in ["a = 1\n", "[a]\nword\n", "[a]\n[a]\n", "[a]\nx=1\nX=2\n", "[a]\n= 1\n", "hello"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn interpolation_is_pythons() {
        let options = vec![
            ("a".to_owned(), "100%%".to_owned()),
            ("b".to_owned(), "%(B)s".to_owned()),
            ("c".to_owned(), "5% of".to_owned()),
            ("d".to_owned(), "%(none)s".to_owned()),
        ];
        assert_eq!(interpolate("s", "a", &options).unwrap(), "100%");
        assert!(interpolate("s", "b", &options).unwrap_err().starts_with("Recursion limit exceeded"));
        assert_eq!(
            interpolate("s", "c", &options).unwrap_err(),
            "'%' must be followed by '%' or '(', found: '% of'"
        );
        assert!(
            interpolate("s", "d", &options).unwrap_err().starts_with("Bad value substitution: option 'd'")
        );
    }
}
