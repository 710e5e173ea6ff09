//! The checksum that a download must have.

use super::GetUrlParams;
use crate::modules::contract::{Failed, Halt, fail};
use crate::modules::view::View;
use crate::modules::web;
use crate::wire::Algorithm;

/// Its algorithm and hexadecimal text, looked up where it is a URL.
pub(super) fn wanted(params: &GetUrlParams, view: &View<'_>) -> Result<Option<(Algorithm, String)>, Halt> {
    if params.checksum.is_empty() {
        return Ok(None);
    }
    let Some((algorithm, sum)) = params.checksum.split_once(':') else {
        return fail("The checksum parameter has to be in format <algorithm>:<checksum>");
    };
    let algorithm = match algorithm.to_lowercase().as_str() {
        "md5" => Algorithm::Md5,
        "sha1" => Algorithm::Sha1,
        "sha224" => Algorithm::Sha224,
        "sha256" => Algorithm::Sha256,
        "sha384" => Algorithm::Sha384,
        "sha512" => Algorithm::Sha512,
        other => return fail(format!("Could not hash file with algorithm '{other}'")),
    };
    let sum = if sum.contains("://") { listed(params, sum, view)? } else { sum.to_owned() };
    let sum: String = sum.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let sum = sum.to_lowercase();
    if sum.is_empty() || !sum.chars().all(|c| c.is_ascii_hexdigit()) {
        return fail("The checksum format is invalid");
    }
    Ok(Some((algorithm, sum)))
}

/// The checksum of the URL's file in a list of checksums.
fn listed(params: &GetUrlParams, url: &str, view: &View<'_>) -> Result<String, Halt> {
    if view.controller().looking_ahead() {
        return Err(Halt::Deferred);
    }
    let text = if let Some(path) = url.strip_prefix("file://") {
        crate::modules::edit_file::read_text(path, view)?.unwrap_or_default()
    } else {
        let answer = web::text_of(params.web.request(url, &params.headers, params.timeout)?, view)?;
        if answer.status != 200 {
            let result = crate::map! {
                "url" => url, "status_code" => u32::from(answer.status), "response" => web::said(&answer),
            };
            return Err(Failed { message: "Request failed".to_owned(), result, ..Failed::default() }.into());
        }
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    let name = web::file_name(&params.url);
    match find(&text, name) {
        Some(sum) => Ok(sum.to_owned()),
        None => fail(format!("Unable to find a checksum for file '{name}' in '{url}'")),
    }
}

/// The checksum of a file: `SUM  NAME`, `SHA256 (NAME) = SUM`, or the text alone.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    if let (Some(line), None) = (lines.next(), lines.next())
        && line.split_whitespace().count() == 1
    {
        return Some(line.trim());
    }
    text.lines().find_map(|line| {
        if let Some((head, sum)) = line.rsplit_once('=')
            && let Some((_, path)) = head.split_once('(')
        {
            return (path.trim().strip_suffix(')') == Some(name)).then_some(sum.trim());
        }
        let (sum, path) = line.split_once(char::is_whitespace)?;
        let path = path.trim_start().trim_start_matches('*').trim_start_matches(['.', '/']);
        (path == name).then_some(sum)
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn lists_of_checksums_are_read() {
        assert_eq!(find("abc\n", "x"), Some("abc"));
        assert_eq!(find("1  y\n2 *x\n", "x"), Some("2"));
        assert_eq!(find("SHA256 (x) = 3\nSHA256 (y) = 4\n", "y"), Some("4"));
        assert_eq!(find("1  ./x\n2  z\n", "x"), Some("1"));
        assert_eq!(find("1  y\n2  z\n", "x"), None);
    }
}
