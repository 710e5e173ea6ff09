//! A file mode as Ansible takes it: octal text, a number, or symbolic as `chmod` (`u=rwX,g-w,o=`).

use super::types::ParamValue;
use crate::base::Value;

/// A file mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// These bits.
    Bits(u32),
    /// Changes to the bits that are there.
    Symbolic(String),
    /// `preserve`: the mode of the file that is copied.
    Preserve,
}

impl Mode {
    /// The bits for a file with these bits now. `umask` matters where a clause names no user (`+x`).
    pub fn apply(&self, current: u32, directory: bool, umask: u32) -> u32 {
        match self {
            Self::Bits(bits) => *bits,
            Self::Preserve => current,
            Self::Symbolic(text) => text
                .split(',')
                .fold(current, |mode, clause| apply_clause(clause, mode, directory, umask).unwrap_or(mode)),
        }
    }
}

fn apply_clause(clause: &str, mode: u32, directory: bool, umask: u32) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at_checked(at)?;
    let mut mode = mode;
    while let Some(operator) = rest.chars().next() {
        let after = rest.get(1..)?;
        let end = after.find(['+', '-', '=']).unwrap_or(after.len());
        let (permissions, next) = after.split_at_checked(end)?;
        for class in who_bits(who) {
            let mut bits = permission_bits(permissions, class, mode, directory)?;
            if who.is_empty() {
                bits &= !umask;
            }
            let mask = class_mask(class);
            mode = match operator {
                '+' => mode | bits,
                '-' => mode & !bits,
                _ => (mode & !mask) | bits,
            };
        }
        rest = next;
    }
    Some(mode)
}

/// Shifts of the classes that a clause names: user 6, group 3, other 0.
fn who_bits(who: &str) -> Vec<u32> {
    if who.is_empty() || who.contains('a') {
        return vec![6, 3, 0];
    }
    [('u', 6), ('g', 3), ('o', 0)]
        .into_iter()
        .filter(|(c, _)| who.contains(*c))
        .map(|(_, shift)| shift)
        .collect()
}

/// What `=` sets anew: as Ansible, and unlike `chmod`, of directories too with setuid, setgid and sticky.
fn class_mask(shift: u32) -> u32 {
    let special = match shift {
        6 => 0o4000,
        3 => 0o2000,
        _ => 0o1000,
    };
    (0o7 << shift) | special
}

fn permission_bits(permissions: &str, shift: u32, mode: u32, directory: bool) -> Option<u32> {
    permissions.chars().try_fold(0, |bits, c| {
        let more = match c {
            'r' => 0o4 << shift,
            'w' => 0o2 << shift,
            'x' => 0o1 << shift,
            'X' if directory || mode & 0o111 != 0 => 0o1 << shift,
            'X' => 0,
            's' => match shift {
                6 => 0o4000,
                3 => 0o2000,
                _ => 0,
            },
            't' if shift == 0 => 0o1000,
            't' => 0,
            'u' => ((mode >> 6) & 0o7) << shift,
            'g' => ((mode >> 3) & 0o7) << shift,
            'o' => (mode & 0o7) << shift,
            _ => return None,
        };
        Some(bits | more)
    })
}

fn is_symbolic(text: &str) -> bool {
    !text.is_empty()
        && text.split(',').all(|clause| {
            clause.find(['+', '-', '=']).is_some_and(|at| {
                let (who, what) = clause.split_at(at);
                who.chars().all(|c| "ugoa".contains(c)) && what.chars().all(|c| "+-=rwxXstugo".contains(c))
            })
        })
}

impl ParamValue for Mode {
    const KIND: &'static str = "raw";

    fn read(value: &Value) -> Result<Self, String> {
        let wrong = || format!("we were unable to read a file mode from it: {}", value.to_text());
        let bits = match value {
            Value::Int(number) => u32::try_from(*number).map_err(|_| wrong())?,
            Value::Str(text) if &**text == "preserve" => return Ok(Self::Preserve),
            Value::Str(text) => match u32::from_str_radix(text.trim_start_matches("0o"), 8) {
                Ok(bits) => bits,
                Err(_) if is_symbolic(text) => return Ok(Self::Symbolic(text.to_string())),
                Err(_) => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        if bits > 0o7777 { Err(wrong()) } else { Ok(Self::Bits(bits)) }
    }

    fn shown(&self) -> String {
        match self {
            Self::Bits(bits) => format!("{bits:04o}"),
            Self::Symbolic(text) => text.clone(),
            Self::Preserve => "preserve".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_and_applied_as_chmod_does() {
        let read = |text: &str| Mode::read(&Value::from(text));
        assert_eq!(read("0644"), Ok(Mode::Bits(0o644)));
        assert_eq!(Mode::read(&Value::from(420)), Ok(Mode::Bits(0o644)));
        assert!(read("rw-r--r--").is_err() && read("u=q").is_err() && read("99").is_err());
        for (text, from, directory, to) in [
            ("u+x", 0o644, false, 0o744),
            ("u=rwX,g=rX,o=", 0o644, false, 0o640),
            ("u=rwX,g=rX,o=", 0o644, true, 0o750),
            ("a-w", 0o666, false, 0o444),
            ("+x", 0o644, false, 0o755),
            ("g=u", 0o640, false, 0o660),
            ("u+s,o-rwx", 0o755, false, 0o4750),
            ("o+t", 0o777, true, 0o1777),
            ("ug+rw-x", 0o111, false, 0o661),
            ("g=rx", 0o2775, true, 0o755),
            ("o=rx", 0o1777, true, 0o775),
            ("a-x,u=rwX", 0o755, false, 0o644),
            ("u+t", 0o644, false, 0o644),
        ] {
            let mode = read(text).unwrap();
            assert_eq!(mode.apply(from, directory, 0o022), to, "{text} on {from:o}");
        }
    }
}
