//! Row 1: secrets: Ansible's vault format, the passwords that open it, and what must not be shown.

mod cipher;
mod envelope;
mod fault;
mod finder;
mod forms;
mod identity;
mod kept;
pub mod keyring;
mod known;
mod source;
mod store;
mod vault;

pub use envelope::{HEADER, Sealed, is_sealed};
pub use fault::Fault;
pub use finder::Finder;
pub use identity::{Ask, DEFAULT_ID, Found, Identity, Inputs, Missing, Prompt, Purpose};
pub use kept::{Name, Passwords, Purpose as PasswordPurpose};
pub use known::{Known, MASK, Reach};
pub use store::SecretFile;
pub use vault::{Opened, Password, Vault, fresh_salt};

#[cfg(test)]
mod tests;
