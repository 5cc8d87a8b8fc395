//! The little HTTP that tests need to ask a server on loopback.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

use crate::wait::LIMIT;
use crate::{Error, Result};

/// The body of `http://127.0.0.1:PORT/PATH`.
///
/// # Errors
/// Nobody answers, or not with a status of success.
pub fn get(port: u16, path: &str) -> Result<String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    exchange(port, &request)
}

/// Sends a JSON body to `http://127.0.0.1:PORT/PATH`.
///
/// # Errors
/// Nobody answers, or not with a status of success.
pub fn post(port: u16, path: &str, body: &str) -> Result<String> {
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(port, &request)
}

/// Sends a whole request and returns the body of the answer.
pub(super) fn exchange(port: u16, request: &str) -> Result<String> {
    let address = format!("127.0.0.1:{port}");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .map_err(Error::io("connect to", &address))?;
    stream
        .set_read_timeout(Some(LIMIT))
        .map_err(Error::io("limit", &address))?;
    stream
        .write_all(request.as_bytes())
        .map_err(Error::io("send to", &address))?;
    // HTTP 1.0: the answer ends where the connection does.
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .map_err(Error::io("read from", &address))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let success = head
        .split(' ')
        .nth(1)
        .is_some_and(|status| status.starts_with('2'));
    if !success {
        return Err(Error::program(address, format!("{head}: {body}")));
    }
    Ok(body.to_owned())
}

/// The values of a text that has one in each line.
pub(super) fn json_lines(text: &str) -> Result<Vec<Value>> {
    let read = |line: &str| {
        serde_json::from_str(line).map_err(|source| Error::Json {
            line: line.to_owned(),
            source,
        })
    };
    text.lines().map(read).collect()
}

/// Escapes a text for use in a query.
pub(super) fn escape(text: &str) -> String {
    let each = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    });
    each.collect()
}
