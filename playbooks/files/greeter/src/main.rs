//! A small HTTP service to deploy: greets at `/`, tells its version at `/version` and that it lives at `/health`.
//!
//! `GREETER_LISTEN` is where it listens (default `127.0.0.1:8080`), `GREETER_GREETING` what it says.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let listen = env::var("GREETER_LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let greeting = env::var("GREETER_GREETING").unwrap_or_else(|_| "Hello".to_owned());
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let listener = TcpListener::bind(&listen)?;
    println!("greeter {} listens on {listen}", env!("CARGO_PKG_VERSION"));
    for stream in listener.incoming() {
        let (greeting, host) = (greeting.clone(), host.trim().to_owned());
        std::thread::spawn(move || {
            if let Err(error) = stream.and_then(|stream| answer(stream, &greeting, &host)) {
                eprintln!("a request failed: {error}");
            }
        });
    }
    Ok(())
}

fn answer(mut stream: TcpStream, greeting: &str, host: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    let (status, body) = match path {
        "/" => ("200 OK", format!("{greeting} from {host}\n")),
        "/version" => ("200 OK", format!("{}\n", env!("CARGO_PKG_VERSION"))),
        "/health" => ("200 OK", "ok\n".to_owned()),
        _ => ("404 Not Found", "not found\n".to_owned()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
