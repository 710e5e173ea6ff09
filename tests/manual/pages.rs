//! `docs/modules/`: a page for each module, the list of all, the table of what is supported.

use fleet::manual::{Manual, actions, page};
use fleet::modules::MODULES;

use crate::{MADE, checked, support};

const DIRECTORY: &str = "docs/modules";

/// Compares all pages, or writes them.
///
/// # Errors
/// A page is stale.
pub fn check() -> Result<(), String> {
    let mut manuals: Vec<Manual> = MODULES.iter().map(|module| Manual::of(*module)).collect();
    manuals.extend(actions::manuals());
    manuals.sort_by_key(|manual| manual.doc.name);
    let mut pages: Vec<(String, String)> = manuals
        .iter()
        .map(|manual| (format!("{}.md", manual.doc.name), page::module(manual, MADE)))
        .collect();
    pages.push(("README.md".to_owned(), page::index(&manuals, MADE)));
    pages.push(("support.md".to_owned(), support::page()?));
    for (name, text) in &pages {
        checked::file(&format!("{DIRECTORY}/{name}"), text)?;
    }
    let names: Vec<String> = pages.into_iter().map(|(name, _)| name).collect();
    checked::directory(DIRECTORY, &names)
}
