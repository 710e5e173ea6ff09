//! Pages of the documentation that a suite makes.

use std::path::Path;

/// Compares a page with what it should be, or writes it where the variable is set.
///
/// # Errors
/// If it is stale or cannot be written.
pub fn check(file: &str, wanted: &str, variable: &str, suite: &str) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os(variable).is_some() {
        return std::fs::write(&path, wanted).map_err(|error| format!("{file}: {error}"));
    }
    if std::fs::read_to_string(&path).unwrap_or_default() == wanted {
        return Ok(());
    }
    Err(format!("{file} is stale: run `cargo test --test {suite}` with {variable}=1"))
}
