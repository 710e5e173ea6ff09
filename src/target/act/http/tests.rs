//! Requests against servers of the test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::wire::Sealed;
use crate::wire::action::Again;

fn get(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        timeout: 5,
        follow_redirects: "safe".to_owned(),
        body_limit: 1 << 20,
        ..HttpRequest::get(url)
    }
}

/// A request's head and body.
type Asked = (String, Vec<u8>);

/// Reads one request: its head in lower case, and its body.
fn read_request(stream: impl Read) -> Asked {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        let line = line.to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

/// Answers one connection for each answer, and tells what it was asked.
fn serve(answers: Vec<String>) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read_request(stream.try_clone().unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
                request
            })
            .collect()
    });
    (base, asked)
}

fn plain(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}", body.len())
}

#[test]
fn a_failing_status_is_an_answer() {
    let (base, asked) = serve(vec![plain("404 Not Found", "X-Two: a\r\nX-Two: b\r\n", "nothing")]);
    let mut order = get(format!("{base}/x?y=1"));
    order.headers = vec![("X-Token".to_owned(), Sealed::text("s3cret"))];
    let answer = request(&order).unwrap();
    assert_eq!(
        (answer.status, answer.reason.as_str(), answer.body.as_slice()),
        (404, "Not Found", &b"nothing"[..])
    );
    let twice: Vec<_> =
        answer.headers.iter().filter(|(name, _)| name == "x-two").map(|(_, value)| value.as_str()).collect();
    assert_eq!(twice, ["a", "b"]);
    let (head, _) = &asked.join().unwrap()[0];
    assert!(head.starts_with("get /x?y=1 http/1.1") && head.contains("x-token: s3cret"), "{head}");
}

#[test]
fn bodies_are_sent_with_any_method() {
    for method in ["POST", "GET", "DELETE", "PROPFIND"] {
        let (base, asked) = serve(vec![plain("200 OK", "", "")]);
        let mut order = get(base);
        order.method = method.to_owned();
        order.body = Some(Sealed::text("a=b"));
        request(&order).unwrap();
        let (head, body) = asked.join().unwrap().remove(0);
        assert!(head.starts_with(&method.to_lowercase()), "{head}");
        assert_eq!(body, b"a=b", "{method}");
    }
}

#[test]
fn redirects_follow_the_policy() {
    let redirect = |status: &str| plain(status, "Location: /next\r\n", "");
    let cases = [
        ("none", "GET", "302 Found", 302, ""),
        ("safe", "GET", "302 Found", 200, "get"),
        ("safe", "POST", "302 Found", 302, ""),
        ("all", "POST", "302 Found", 200, "get"),
        ("all", "PUT", "301 Moved Permanently", 200, "put"),
        ("all", "POST", "307 Temporary Redirect", 200, "post"),
        ("urllib2", "POST", "303 See Other", 200, "get"),
        ("urllib2", "POST", "307 Temporary Redirect", 307, ""),
        ("urllib2", "PUT", "302 Found", 302, ""),
    ];
    for (policy, method, status, expected, next) in cases {
        let mut answers = vec![redirect(status)];
        if expected == 200 {
            answers.push(plain("200 OK", "", "there"));
        }
        let (base, asked) = serve(answers);
        let mut order = get(format!("{base}/first"));
        order.follow_redirects = policy.to_owned();
        order.method = method.to_owned();
        order.body = (method != "GET").then(|| Sealed::text("data"));
        let answer = request(&order).unwrap();
        assert_eq!(answer.status, expected, "{policy} {method} {status}");
        let asked = asked.join().unwrap();
        if expected == 200 {
            assert_eq!(answer.url, format!("{base}/next"));
            let (head, body) = &asked[1];
            assert!(head.starts_with(&format!("{next} /next")), "{policy} {method} {status}: {head}");
            assert_eq!(body.is_empty(), !status.starts_with("307"), "{policy} {method} {status}");
        }
    }
}

#[test]
fn endless_redirects_end() {
    let answers = vec![plain("302 Found", "Location: again\r\n", ""); MOST_REDIRECTS + 1];
    let (base, asked) = serve(answers);
    let failure = request(&get(base)).unwrap_err();
    assert!(failure.message.contains("redirects more than 10 times"), "{}", failure.message);
    assert_eq!(asked.join().unwrap().len(), MOST_REDIRECTS + 1);
}

#[test]
fn locations_are_resolved() {
    let base: Uri = "http://h:81/a/b?c".parse().unwrap();
    for (location, expected) in [
        ("d", "http://h:81/a/d"),
        ("../e?f#g", "http://h:81/e?f"),
        ("/i", "http://h:81/i"),
        ("//o/p", "http://o/p"),
        ("https://x/", "https://x/"),
        ("?q", "http://h:81/a/b?q"),
    ] {
        assert_eq!(resolve(&base, location).unwrap().to_string(), expected);
    }
    assert!(resolve(&base, "ftp://x/").is_err());
}

#[test]
fn failures_have_their_kind() {
    let (base, _asked) = serve(vec![plain("200 OK", "", "much too long")]);
    let failure = request(&HttpRequest { body_limit: 4, ..get(base) }).unwrap_err();
    assert!(failure.message.contains("more than 4 bytes"), "{}", failure.message);

    // an address that no other test listens on
    let listener = TcpListener::bind("127.0.0.3:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let failure = request(&HttpRequest { timeout: 1, ..get(silent.as_str()) }).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout, "{}", failure.message);
    drop(listener);
    let failure = request(&get(silent)).unwrap_err();
    assert_eq!(
        (failure.kind, failure.errno),
        (FailureKind::Network, Some(libc::ECONNREFUSED)),
        "{}",
        failure.message
    );
    assert!(request(&get("no url")).is_err());
    assert!(request(&HttpRequest { method: "A B".to_owned(), ..get("http://127.0.0.1:1/") }).is_err());
}

#[test]
fn a_unix_socket_takes_the_place_of_the_host() {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(stream.try_clone().unwrap());
        stream.write_all(plain("200 OK", "", "pong").as_bytes()).unwrap();
        request.0
    });
    let order =
        HttpRequest { unix_socket: Some(path.display().to_string()), ..get("http://docker.invalid/_ping") };
    let answer = request(&order).unwrap();
    assert_eq!(answer.body, b"pong");
    let head = asked.join().unwrap();
    assert!(head.contains("host: docker.invalid"), "{head}");
}

#[test]
fn a_change_takes_the_answers_that_it_accepts() {
    let success = |also: &[u16], without: &[&str]| Accepts::Success {
        also: also.to_vec(),
        without: without.iter().map(|text| (*text).to_owned()).collect(),
    };
    let cases = [
        (Accepts::Any, "409 Conflict", "in use", None),
        (success(&[], &[]), "304 Not Modified", "", None),
        (success(&[], &[]), "409 Conflict", "in use", Some("409 Conflict: in use")),
        (success(&[409], &[]), "409 Conflict", "in use", None),
        (success(&[], &["\"error\""]), "200 OK", "{\"error\":1}", Some("200 OK: {\"error\":1}")),
        (success(&[], &["\"error\""]), "200 OK", "{}", None),
    ];
    for (accepts, status, body, failure) in cases {
        let (base, _asked) = serve(vec![plain(status, "", body)]);
        let found = demand(&HttpRequest { accepts, ..get(base) });
        assert_eq!(found.err().map(|failure| failure.message).as_deref(), failure, "{status} {body}");
    }
}

#[test]
fn a_request_is_made_again_until_it_is_answered_otherwise() {
    let again = |timeout| Some(Again { texts: vec!["starting".to_owned()], timeout });
    let (base, asked) = serve(vec![plain("200 OK", "", "starting"), plain("200 OK", "", "healthy")]);
    let answer = demand(&HttpRequest { again: again(10), ..get(base) }).unwrap();
    assert_eq!((answer.body.as_slice(), asked.join().unwrap().len()), (&b"healthy"[..], 2));
    let (base, _asked) = serve(vec![plain("200 OK", "", "starting")]);
    let failure = demand(&HttpRequest { again: again(0), ..get(base) }).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
}
