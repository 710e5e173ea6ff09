//! Hashes of passwords as `/etc/shadow` keeps them, made as Ansible makes them (with passlib).

mod alphabet;
mod md5;
mod sha;

use bcrypt::Version;

/// A way to hash passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `$1$`
    Md5,
    /// `$2b$` and its like
    Bcrypt,
    /// `$5$`
    Sha256,
    /// `$6$`
    Sha512,
}

/// What beside the password goes into a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The salt.
    pub salt: String,
    /// How often it is hashed; of bcrypt the power of two.
    pub rounds: Option<u64>,
    /// bcrypt's variant: `2`, `2a`, `2b`, `2y`.
    pub ident: Option<String>,
}

impl Method {
    /// The method of a name: Ansible's (`sha512`, `blowfish`) or passlib's (`sha512_crypt`).
    ///
    /// # Errors
    /// There is no such method.
    pub fn named(name: &str) -> Result<Self, String> {
        match name {
            "md5" | "md5_crypt" => Ok(Self::Md5),
            "blowfish" | "bcrypt" => Ok(Self::Bcrypt),
            "sha256" | "sha256_crypt" => Ok(Self::Sha256),
            "sha512" | "sha512_crypt" => Ok(Self::Sha512),
            other => Err(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )),
        }
    }

    /// How many characters a salt has that is drawn.
    pub fn salt_size(self) -> usize {
        match self {
            Self::Md5 => 8,
            Self::Bcrypt => 22,
            Self::Sha256 | Self::Sha512 => 16,
        }
    }

    /// The variant where none is asked for.
    pub fn implicit_ident(self) -> Option<&'static str> {
        (self == Self::Bcrypt).then_some("2b")
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5_crypt",
            Self::Bcrypt => "bcrypt",
            Self::Sha256 => "sha256_crypt",
            Self::Sha512 => "sha512_crypt",
        }
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// A salt or number of rounds that the method does not take, in passlib's words.
    pub fn hash(self, password: &str, recipe: &Recipe) -> Result<String, String> {
        let Recipe { salt, rounds, ident } = recipe;
        let failed = |what: String| Err(format!("could not hash the secret: {what}"));
        let name = self.name();
        if !salt.chars().all(alphabet::contains) {
            return failed(format!("invalid characters in {name} salt"));
        }
        if self != Self::Bcrypt && salt.len() > self.salt_size() {
            return failed(format!("salt too large ({name} requires <= {} chars)", self.salt_size()));
        }
        if password.contains('\0') {
            return failed(format!("{name} does not allow NULL bytes in secret"));
        }
        let (least, most, usual) = match self {
            Self::Md5 => (0, u64::MAX, 0),
            Self::Bcrypt => (4, 31, 12),
            Self::Sha256 => (1000, 999_999_999, 535_000),
            Self::Sha512 => (1000, 999_999_999, 656_000),
        };
        let rounds = rounds.unwrap_or(usual);
        if rounds < least {
            return failed(format!(
                "{name}: min_desired_rounds ({rounds}) is too low, must be at least {least}"
            ));
        }
        if rounds > most {
            return failed(format!(
                "{name}: min_desired_rounds ({rounds}) is too high, must be at most {most}"
            ));
        }
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        match self {
            Self::Md5 => Ok(md5::crypt(password, salt)),
            Self::Sha256 => Ok(sha::crypt256(password, salt, rounds)),
            Self::Sha512 => Ok(sha::crypt512(password, salt, rounds)),
            Self::Bcrypt => {
                let version = match ident.as_deref() {
                    None | Some("2b") => Version::TwoB,
                    Some("2a") => Version::TwoA,
                    Some("2y") => Version::TwoY,
                    Some("2x") => Version::TwoX,
                    Some(other) => return failed(format!("invalid bcrypt ident: '{other}'")),
                };
                let Some(bytes) = alphabet::bcrypt_salt(salt) else {
                    return failed("salt too small (bcrypt requires exactly 22 chars)".to_owned());
                };
                bcrypt::hash_with_salt(password, rounds, bytes)
                    .map(|parts| parts.format_for_version(version))
                    .map_err(|error| format!("could not hash the secret: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(method: &str, salt: &str, rounds: Option<u64>) -> Result<String, String> {
        let recipe = Recipe { salt: salt.to_owned(), rounds, ident: None };
        Method::named(method).and_then(|method| method.hash("x", &recipe))
    }

    #[test]
    fn hashes_are_those_of_passlib() {
        for (method, salt, rounds, expected) in [
            ("md5", "saltsalt", None, "$1$saltsalt$4px9i58NU2Z2/vZOUlGjq."),
            (
                "sha256",
                "saltsalt",
                Some(1000),
                "$5$rounds=1000$saltsalt$z3t6rrtFn3lMdv6AmvXeEFzPOKLJ2JypZJIYx/pmpp/",
            ),
            (
                "sha512",
                "saltsalt",
                Some(5000),
                "$6$saltsalt$8RWsOfwR6M6PpnoeQiEiWzNTPo1f0HjVYjDnLZhGx16aBFRkeqiHAzfXP/LgrOWMBMXqiU2pLrXsSOHNUyUm91",
            ),
            (
                "sha512",
                "salt",
                Some(1000),
                "$6$rounds=1000$salt$dp.sf6xrDVOi6TLP3zDbIJaA6gs0VgRbHlpmjjxGZKgmGeTPVWC8FNtkny4LZetNMVSTwdL6c/OB/cDBZl76V0",
            ),
        ] {
            assert_eq!(hashed(method, salt, rounds).as_deref(), Ok(expected));
        }
        let recipe =
            Recipe { salt: "abcdefghijklmnopqrstuu".into(), rounds: Some(5), ident: Some("2a".into()) };
        assert_eq!(
            Method::Bcrypt.hash("x", &recipe).as_deref(),
            Ok("$2a$05$abcdefghijklmnopqrstuuhKF09ZYWwH2zP/0fwE1X8e/Q1YNx/hO")
        );
    }

    #[test]
    fn what_passlib_refuses_is_refused() {
        assert!(hashed("des_crypt", "ab", None).is_err());
        assert!(hashed("sha256", "ab", Some(10)).is_err_and(|error| error.contains("too low")));
        assert!(hashed("sha512", "a$b", Some(1000)).is_err_and(|error| error.contains("invalid characters")));
        assert!(hashed("md5", "123456789", None).is_err_and(|error| error.contains("too large")));
        assert!(hashed("bcrypt", "short", Some(4)).is_err());
    }
}
