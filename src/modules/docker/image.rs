//! Names of images: `registry:5000/team/app:v1`, `app@sha256:…`, `sha256:…`.

/// An image as a task names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// The name without a tag; the whole of an id.
    pub repository: String,
    /// The tag, or the digest with its algorithm.
    pub tag: Option<String>,
}

impl ImageName {
    /// A name taken apart.
    pub fn parse(text: &str) -> Self {
        let parts = |repository: &str, tag: &str| Self {
            repository: repository.to_owned(),
            tag: Some(tag.to_owned()),
        };
        if is_id(text) {
            return Self { repository: text.to_owned(), tag: None };
        }
        if let Some((repository, digest)) = text.rsplit_once('@') {
            return parts(repository, digest);
        }
        match text.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => parts(repository, tag),
            _ => Self { repository: text.to_owned(), tag: None },
        }
    }

    /// With a tag where it has none; an empty one is none.
    pub fn or_tag(mut self, tag: &str) -> Self {
        if self.tag.is_none() && !tag.is_empty() && !is_id(&self.repository) {
            self.tag = Some(tag.to_owned());
        }
        self
    }

    /// As the Engine takes it.
    pub fn full(&self) -> String {
        match &self.tag {
            Some(tag) if tag.contains(':') => format!("{}@{tag}", self.repository),
            Some(tag) => format!("{}:{tag}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// As the original writes it: always with a colon.
    pub fn told(&self) -> String {
        self.tag.as_ref().map_or_else(|| self.repository.clone(), |tag| format!("{}:{tag}", self.repository))
    }

    /// The registry that it is from, and its name there.
    pub fn registry(&self) -> (&str, &str) {
        match self.repository.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => match first {
                "index.docker.io" => ("docker.io", rest),
                registry => (registry, rest),
            },
            _ => ("docker.io", &self.repository),
        }
    }
}

/// Whether a name is an image's id.
pub fn is_id(name: &str) -> bool {
    name.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a text can be a tag.
pub fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(word) && text.len() <= 128 && bytes.all(|b| word(b) || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let id = format!("sha256:{}", "a".repeat(64));
        let cases = [
            ("app", "app", None, "docker.io"),
            ("app:v1", "app", Some("v1"), "docker.io"),
            ("team/app", "team/app", None, "docker.io"),
            ("localhost/app", "localhost/app", None, "localhost"),
            ("reg:5000/app", "reg:5000/app", None, "reg:5000"),
            ("reg:5000/app:v1", "reg:5000/app", Some("v1"), "reg:5000"),
            ("reg.example/app@sha256:ab", "reg.example/app", Some("sha256:ab"), "reg.example"),
            (id.as_str(), id.as_str(), None, "docker.io"),
        ];
        for (text, repository, tag, registry) in cases {
            let name = ImageName::parse(text);
            assert_eq!((name.repository.as_str(), name.tag.as_deref()), (repository, tag));
            assert_eq!((name.registry().0, name.full().as_str()), (registry, text));
        }
        assert_eq!(ImageName::parse("app").or_tag("latest").full(), "app:latest");
        assert_eq!(ImageName::parse(&id).or_tag("latest").full(), id);
        assert!(is_tag("v1.2-rc") && !is_tag("") && !is_tag("-a") && !is_tag("a/b"));
    }
}
