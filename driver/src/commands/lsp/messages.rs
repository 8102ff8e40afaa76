//! Messages over two streams, each read or written by a thread of its own.
//!
//! The frames are those of the [base protocol]: headers, an empty line, a body of JSON. A body that is no message is answered, and
//! the next one is read; after a header that is none nobody knows where the next message begins, so it ends the session.
//!
//! [base protocol]: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#baseProtocol

use std::io::{self, BufRead, Read as _, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use lsp_server::{ErrorCode, Message};
use serde_json::{Value, json};

use crate::failure::Failure;

/// The most bytes of a message. Documents are sent whole.
const MOST_BYTES: u64 = 64 << 20;
/// The most bytes of its headers.
const MOST_HEADER_BYTES: u64 = 4096;

/// What came from the editor.
#[derive(Debug)]
pub(super) enum Received {
    /// A message.
    Message(Message),
    /// A body that is none, for this reason.
    Malformed(String),
    /// Nothing more can be read.
    Broken(io::Error),
}

/// Reads messages until the stream ends, which closes the channel.
pub(super) fn read(mut from: impl BufRead + Send + 'static) -> Result<Receiver<Received>, Failure> {
    let (send, received) = channel();
    let read = move || {
        loop {
            let next = match read_frame(&mut from) {
                Ok(None) => return,
                Ok(Some(body)) => match serde_json::from_slice(&body) {
                    Ok(message) => Received::Message(message),
                    Err(error) => Received::Malformed(error.to_string()),
                },
                Err(error) => Received::Broken(error),
            };
            let is_last = matches!(next, Received::Broken(_));
            if send.send(next).is_err() || is_last {
                return;
            }
        }
    };
    started("lsp-in", read)?;
    Ok(received)
}

/// Where messages to the editor go. The thread that writes them ends with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Outbox(Sender<Value>);

impl Outbox {
    /// Writes what is sent to a stream.
    pub(super) fn to(mut stream: impl Write + Send + 'static) -> Result<(Self, JoinHandle<()>), Failure> {
        let (send, messages) = channel::<Value>();
        let write = move || {
            for message in messages {
                // Without an editor nobody waits for it.
                if write_frame(&mut stream, &message).is_err() {
                    return;
                }
            }
        };
        Ok((Self(send), started("lsp-out", write)?))
    }

    pub(super) fn send(&self, message: impl Into<Message>) {
        let message: Message = message.into();
        self.send_value(json!(message));
    }

    /// Answers what could not be read, and whose number is not known.
    pub(super) fn send_malformed(&self, reason: &str) {
        let error = json!({"code": ErrorCode::ParseError as i32, "message": reason});
        self.send_value(json!({"id": null, "error": error}));
    }

    fn send_value(&self, mut message: Value) {
        if let Some(fields) = message.as_object_mut() {
            fields.insert("jsonrpc".to_owned(), json!("2.0"));
        }
        let _gone = self.0.send(message);
    }
}

fn started(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| Failure::User(format!("cannot start threads: {error}")))
}

/// The body of the next message; nothing at the end of the stream.
fn read_frame(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut length = None;
    let mut headers = from.by_ref().take(MOST_HEADER_BYTES);
    loop {
        let mut line = String::new();
        if headers.read_line(&mut line)? == 0 {
            return match (headers.limit(), length) {
                (MOST_HEADER_BYTES, None) => Ok(None),
                _ => Err(invalid("headers without an end".to_owned())),
            };
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(invalid("a line that is no header".to_owned()));
        };
        if name.eq_ignore_ascii_case("Content-Length") {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let length = length.ok_or_else(|| invalid("a message without its length".to_owned()))?;
    if length > MOST_BYTES {
        return Err(invalid(format!("a message of {length} bytes; {MOST_BYTES} are the most")));
    }
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    match u64::try_from(body.len()) {
        Ok(read) if read == length => Ok(Some(body)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn write_frame(to: &mut impl Write, message: &Value) -> io::Result<()> {
    let body = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: &[u8]) -> Vec<Result<Vec<u8>, io::ErrorKind>> {
        let mut from = bytes;
        let mut found = Vec::new();
        while let Some(next) = read_frame(&mut from).map_err(|error| error.kind()).transpose() {
            found.push(next.clone());
            if next.is_err() {
                break;
            }
        }
        found
    }

    #[test]
    fn frames_are_read_one_by_one() {
        let two = b"Content-Length: 2\r\n\r\n{}content-length:3\r\nContent-Type: x\r\n\r\n[1]";
        assert_eq!(frames(two), [Ok(b"{}".to_vec()), Ok(b"[1]".to_vec())]);
        assert_eq!(frames(b""), []);
    }

    #[test]
    fn what_is_no_frame_is_no_message_and_takes_no_memory() {
        let invalid = Err(io::ErrorKind::InvalidData);
        for bytes in [
            "Content-Length: 99999999999999\r\n\r\n{}",
            "Content-Length: -1\r\n\r\n{}",
            "Content-Length: x\r\n\r\n{}",
            "\r\n{}",
            "no header\r\n\r\n",
            "Content-Length: 2\r\n",
            &format!("{}\r\n", "x: y\r\n".repeat(2000)),
        ] {
            assert_eq!(frames(bytes.as_bytes()), std::slice::from_ref(&invalid), "{bytes}");
        }
        assert_eq!(frames(b"Content-Length: 5\r\n\r\n{}"), [Err(io::ErrorKind::UnexpectedEof)]);
    }
}
