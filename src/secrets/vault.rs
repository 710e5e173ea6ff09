//! The passwords that were given, and what they open. Keys are derived once per password and salt, and only when
//! something is to be read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cipher::Keys;
use super::known::Known;
use super::{Ask, DEFAULT_ID, Fault, Sealed};
use crate::base::{Place, Secret, TemplateText, TextForm, Value};

/// A password with the vault id that it is for. It need not be text.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// The vault id; [`DEFAULT_ID`] where none was given.
    pub id: String,
    bytes: Arc<[u8]>,
}

impl Password {
    /// A password.
    pub fn new(id: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { id: id.into(), bytes: bytes.into() }
    }

    /// Keeps it out of what is shown.
    fn note(&self, known: &Known) {
        if let Ok(text) = std::str::from_utf8(&self.bytes) {
            known.add_password(text);
        }
    }

    /// Encrypts bytes with this password; `id` goes into the header.
    ///
    /// # Errors
    /// If they are encrypted already.
    pub fn seal(&self, plain: &[u8], id: Option<&str>, salt: &[u8]) -> Result<String, Fault> {
        if super::is_sealed(plain) {
            return Err(Fault::AlreadySealed);
        }
        let (mac, data) = Keys::derive(&self.bytes, salt).seal(plain);
        Ok(Sealed { id: id.map(str::to_owned), salt: salt.to_vec(), mac, data }.to_text())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Password of `{}`", self.id)
    }
}

/// What a vault text holds, and the password that opened it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The plain bytes.
    pub plain: Vec<u8>,
    /// The password, with its id.
    pub password: Password,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened by the {:?}", self.password)
    }
}

/// What keys are derived from.
type PasswordAndSalt = (Arc<[u8]>, Vec<u8>);

/// Opens vault texts with the passwords that were given.
#[derive(Default)]
pub struct Vault {
    passwords: Vec<Password>,
    only_matching: bool,
    keys: Mutex<HashMap<PasswordAndSalt, Arc<Keys>>>,
    texts: Mutex<Texts>,
    known: Arc<Known>,
    elsewhere: Option<Elsewhere>,
}

/// Who keeps further passwords, and what they have said.
struct Elsewhere {
    ask: Arc<dyn Ask + Send + Sync>,
    said: Mutex<HashMap<String, Option<Password>>>,
}

/// Values that were opened.
#[derive(Default)]
struct Texts {
    by_cipher: HashMap<Arc<str>, Result<Secret, Fault>>,
    /// By the address of the plain text, which `by_cipher` keeps alive.
    by_plain: HashMap<usize, Arc<str>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("passwords", &self.passwords).finish_non_exhaustive()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vault {
    /// A vault with passwords in the order in which they are tried. `only_matching`: a text is opened only with
    /// passwords of its own vault id (Ansible's `vault_id_match`).
    pub fn new(passwords: Vec<Password>, only_matching: bool) -> Self {
        let vault = Self { passwords, only_matching, ..Self::default() };
        vault.passwords.iter().for_each(|password| password.note(&vault.known));
        vault
    }

    /// The same; where none of its passwords opens a text, the password of the text's id is asked for elsewhere.
    pub fn asking(self, ask: Arc<dyn Ask + Send + Sync>) -> Self {
        Self { elsewhere: Some(Elsewhere { ask, said: Mutex::default() }), ..self }
    }

    /// The passwords.
    pub fn passwords(&self) -> &[Password] {
        &self.passwords
    }

    /// The secrets that were met, to keep them out of what is shown.
    pub fn known(&self) -> &Arc<Known> {
        &self.known
    }

    fn keys(&self, password: &Password, salt: &[u8]) -> Arc<Keys> {
        let key = (Arc::clone(&password.bytes), salt.to_vec());
        if let Some(keys) = held(&self.keys).get(&key) {
            return Arc::clone(keys);
        }
        let keys = Arc::new(Keys::derive(&password.bytes, salt));
        held(&self.keys).insert(key, Arc::clone(&keys));
        keys
    }

    fn elsewhere(&self, id: &str) -> Option<Password> {
        let Elsewhere { ask, said } = self.elsewhere.as_ref()?;
        let mut said = held(said);
        if let Some(answer) = said.get(id) {
            return answer.clone();
        }
        let answer = ask.kept(id).map(|secret| Password::new(id, secret.reveal().as_bytes()));
        if let Some(password) = &answer {
            password.note(&self.known);
        }
        said.insert(id.to_owned(), answer.clone());
        answer
    }

    /// Opens a vault text: passwords of its own id first, then, unless ids have to match, all others in order.
    ///
    /// # Errors
    /// If it is damaged or no password opens it.
    pub fn open(&self, text: &[u8]) -> Result<Opened, Fault> {
        let sealed = Sealed::parse(text)?;
        // as Ansible: a text without an id counts as one of the id `default`
        let id = sealed.id.as_deref().unwrap_or(DEFAULT_ID);
        let (own, others): (Vec<_>, Vec<_>) = self.passwords.iter().partition(|password| password.id == id);
        let others = others.into_iter().filter(|_| !self.only_matching);
        let kept = std::iter::once_with(|| self.elsewhere(id)).flatten();
        let mut tried = Vec::new();
        for password in own.into_iter().chain(others).cloned().chain(kept) {
            if let Some(plain) = self.keys(&password, &sealed.salt).open(&sealed.mac, &sealed.data) {
                return Ok(Opened { plain, password });
            }
            tried.push(password.id);
        }
        if self.passwords.is_empty() && tried.is_empty() {
            return Err(Fault::NoPassword { id: sealed.id });
        }
        Err(Fault::NoneFits { id: sealed.id, tried })
    }

    /// The text of an encrypted value. It is kept, and known as a secret from then on.
    ///
    /// # Errors
    /// As [`Self::open`]; or if it is not text.
    pub fn value(&self, text: &Arc<str>) -> Result<Secret, Fault> {
        if let Some(opened) = held(&self.texts).by_cipher.get(text) {
            return opened.clone();
        }
        let opened = self
            .open(text.as_bytes())
            .and_then(|opened| String::from_utf8(opened.plain).map(Secret::new).map_err(|_| Fault::NotText));
        let mut texts = held(&self.texts);
        // another thread may have been faster: its text is the one that is known by its address
        if let Some(opened) = texts.by_cipher.get(text) {
            return opened.clone();
        }
        if let Ok(secret) = &opened {
            self.known.add(secret.reveal());
            texts.by_plain.insert(address(&secret.shared()), Arc::clone(text));
        }
        texts.by_cipher.insert(Arc::clone(text), opened.clone());
        opened
    }

    /// The vault text that a text was decrypted from, if it is the very text that [`Self::value`] gave.
    pub fn sealed_form(&self, text: &Arc<str>) -> Option<Arc<str>> {
        held(&self.texts).by_plain.get(&address(text)).cloned()
    }

    /// A plain text as [`Self::value`] gives it, of a vault text that was made of it.
    pub fn sealed_as(&self, plain: &str, sealed: &str) -> Arc<str> {
        self.known.add(plain);
        let secret = Secret::new(plain);
        let shared = secret.shared();
        let sealed: Arc<str> = Arc::from(sealed);
        let mut texts = held(&self.texts);
        texts.by_plain.insert(address(&shared), Arc::clone(&sealed));
        texts.by_cipher.insert(sealed, Ok(secret));
        shared
    }

    /// The value of a variable from a file that is encrypted as a whole: what it holds is noted, and whatever reads it
    /// knows that it has read a secret.
    pub fn hidden(&self, name: &str, value: &Value, place: Option<&Place>) -> Value {
        self.known.add_from_file(name, value);
        hidden(value, place)
    }
}

fn hidden(value: &Value, place: Option<&Place>) -> Value {
    match value {
        Value::Str(text) => {
            let (text, place, form) = (Arc::clone(text), place.cloned(), TextForm::Hidden);
            Value::Template(Arc::new(TemplateText { text, place, form }))
        }
        Value::List(items) => Value::list(items.iter().map(|item| hidden(item, place))),
        Value::Map(entries) => {
            Value::map(entries.iter().map(|(key, item)| (key.clone(), hidden(item, place))).collect())
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Moment(_)
        | Value::Template(_)
        | Value::Secret(_)
        | Value::Unknown(_)
        | Value::Omit => value.clone(),
    }
}

fn address(text: &Arc<str>) -> usize {
    text.as_ptr() as usize
}

/// A salt from the system's random numbers.
///
/// # Errors
/// If the system has none to give.
pub fn fresh_salt() -> Result<Vec<u8>, Fault> {
    use std::io::Read as _;
    let mut salt = vec![0; 32];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut salt));
    read.map_err(|error| Fault::Failed(format!("cannot read random numbers: {error}")))?;
    Ok(salt)
}
