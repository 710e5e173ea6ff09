//! Row 1: secrets: Ansible's vault format, the passwords that open it, and what must not be shown.

mod cipher;
mod envelope;
mod fault;
mod identity;
mod known;
mod source;
mod vault;

pub use envelope::{HEADER, Sealed, is_sealed};
pub use fault::Fault;
pub use identity::{Ask, DEFAULT_ID, Identity, Inputs, Prompt, Purpose};
pub use known::{Known, MASK};
pub use vault::{Opened, Password, Vault, fresh_salt};

#[cfg(test)]
mod tests;
