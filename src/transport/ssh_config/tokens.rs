//! `%` tokens and `${VARIABLES}` in values, as ssh_config(5) "TOKENS" and "ENVIRONMENT VARIABLES".

use sha1::{Digest as _, Sha1};

/// What the tokens stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// `%h`: the host name to connect to.
    pub(crate) host: String,
    /// `%n`: the name that was given.
    pub(crate) original: String,
    /// `%p`
    pub(crate) port: u16,
    /// `%r`: the login user.
    pub(crate) user: String,
    /// `%u`: the local user.
    pub(crate) local_user: String,
    /// `%i`: its number.
    pub(crate) uid: u32,
    /// `%d`: its home directory.
    pub(crate) home: String,
    /// `%l`: the local host name.
    pub(crate) local_host: String,
    /// `%j`: the jump hosts.
    pub(crate) jump: String,
    /// `%k`: the alias for host keys.
    pub(crate) alias: String,
}

impl Tokens {
    /// The text with its tokens replaced. Errors name the token.
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                out.push(character);
                continue;
            }
            match characters.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(&self.host),
                Some('n') => out.push_str(&self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(&self.user),
                Some('u') => out.push_str(&self.local_user),
                Some('i') => out.push_str(&self.uid.to_string()),
                Some('d') => out.push_str(&self.home),
                Some('l') => out.push_str(&self.local_host),
                Some('L') => out.push_str(self.local_host.split('.').next().unwrap_or_default()),
                Some('j') => out.push_str(&self.jump),
                Some('k') => out.push_str(&self.alias),
                Some('C') => out.push_str(&self.digest()),
                Some(other) => return Err(format!("there is no token `%{other}` here")),
                None => return Err("a `%` stands alone; write `%%`".to_owned()),
            }
        }
        Ok(out)
    }

    /// `%C`: the SHA-1 of `%l%h%p%r%j`.
    fn digest(&self) -> String {
        let text = format!("{}{}{}{}{}", self.local_host, self.host, self.port, self.user, self.jump);
        crate::wire::action::hex(&Sha1::digest(text.as_bytes()))
    }
}

/// The text with `${NAME}` replaced. Errors name the variable that is not set.
pub(crate) fn environment(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a `${` is not closed".to_owned());
        };
        out.push_str(before);
        out.push_str(&variable(name).ok_or_else(|| format!("the environment variable `{name}` is not set"))?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_variables() {
        let tokens = Tokens {
            host: "web.example".into(),
            original: "web".into(),
            port: 2222,
            user: "deploy".into(),
            local_host: "desk.office".into(),
            ..Tokens::default()
        };
        assert_eq!(tokens.expand("%r@%h:%p (%n) %L %%").unwrap(), "deploy@web.example:2222 (web) desk %");
        assert_eq!(tokens.expand("%C").unwrap().len(), 40);
        assert!(tokens.expand("%q").unwrap_err().contains("%q"));
        let variable = |name: &str| (name == "KEYS").then(|| "/keys".to_owned());
        assert_eq!(environment("${KEYS}/id", variable).unwrap(), "/keys/id");
        assert!(environment("${NONE}/id", variable).unwrap_err().contains("NONE"));
    }
}
