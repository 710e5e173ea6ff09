//! What a key is that is twice in a mapping.

use crate::base::{Diagnostics, Kind, Severity};

/// What becomes of the warnings of such keys. The last one counts, but where it is an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// They stay.
    #[default]
    Warn,
    /// They are errors.
    Error,
    /// They are dropped.
    Ignore,
}

impl Duplicates {
    /// Changes what was found in this way.
    pub fn judge(self, found: &mut Diagnostics) {
        match self {
            Self::Warn => {}
            Self::Ignore => found.0.retain(|diagnostic| diagnostic.kind != Kind::DuplicateKey),
            Self::Error => {
                let duplicates =
                    found.0.iter_mut().filter(|diagnostic| diagnostic.kind == Kind::DuplicateKey);
                for diagnostic in duplicates {
                    diagnostic.severity = Severity::Error;
                    diagnostic.hint = None;
                    if let Some(told) = diagnostic.told.take() {
                        diagnostic.told = Some(format!("YAML parsing failed: {told}"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Source;
    use crate::yaml::parse_single;

    #[test]
    fn they_are_warnings_errors_or_nothing() {
        let found = |duplicates: Duplicates| {
            let mut found = parse_single(&Source::new("x.yml", "a: 1\nb: 2\na: 3\n")).diagnostics;
            duplicates.judge(&mut found);
            found
                .0
                .into_iter()
                .map(|found| (found.severity, found.told.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        let told = "Found duplicate mapping key 'a'.".to_owned();
        assert_eq!(found(Duplicates::Warn), [(Severity::Warning, told.clone())]);
        assert_eq!(found(Duplicates::Error), [(Severity::Error, format!("YAML parsing failed: {told}"))]);
        assert_eq!(found(Duplicates::Ignore), []);
    }
}
