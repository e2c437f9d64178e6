//! The little of Postgres' protocol that a turnstile has to understand: where messages begin
//! and end, and what they are.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// A statement or a row of the demo's is kilobytes; whoever sends more is no Postgres client.
const MAX_MESSAGE_BYTES: usize = 64 << 20;
const PROTOCOL_3: u32 = 3 << 16;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

/// A message with its type: a letter, a length that counts itself, a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new(kind: u8, body: &[u8]) -> Self {
        Self([&[kind], packet(body).as_slice()].concat())
    }

    /// A simple query.
    pub(super) fn query(sql: &str) -> Self {
        Self::new(b'Q', &[sql.as_bytes(), b"\0"].concat())
    }

    /// That ends a session.
    pub(super) fn fatal(sentence: &str) -> Self {
        let fields = format!("SFATAL\0VFATAL\0C57P01\0M{sentence}\0\0");
        Self::new(b'E', fields.as_bytes())
    }

    pub(super) fn kind(&self) -> u8 {
        self.0[0]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.0[5..]
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Messages as they come out of a stream.
#[derive(Debug)]
pub(super) struct Messages<Stream> {
    stream: Stream,
    buffer: Vec<u8>,
}

impl<Stream: AsyncRead + Unpin> Messages<Stream> {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The next message, or none at the end. May be dropped while it waits, and asked again.
    pub(super) async fn next(&mut self) -> io::Result<Option<Message>> {
        Ok(self.take(1).await?.map(Message))
    }

    /// What a client says first: its parameters, by name. Requests for encryption are on the
    /// way to it; to everything else the answer is to hang up.
    pub(super) async fn next_startup(&mut self) -> io::Result<Option<Startup>> {
        let Some(packet) = self.take(0).await? else {
            return Ok(None);
        };
        let (code, parameters) = packet[4..].split_at_checked(4).unwrap_or_default();
        let code = code.try_into().map(u32::from_be_bytes).unwrap_or(0);
        Ok(match code {
            SSL_REQUEST | GSS_REQUEST => Some(Startup::Encrypt),
            PROTOCOL_3 => Some(Startup::Session(strings(parameters))),
            _ => None,
        })
    }

    /// `skip` bytes, then a length that counts itself, then the rest.
    async fn take(&mut self, skip: usize) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = self.buffer.get(skip..skip + 4) {
                let length = <[u8; 4]>::try_from(length).map_or(0, u32::from_be_bytes);
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                if !(4..MAX_MESSAGE_BYTES).contains(&length) {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                if self.buffer.len() >= skip + length {
                    let rest = self.buffer.split_off(skip + length);
                    return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
                }
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// How a client begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Startup {
    /// It would like to be encrypted, and asks again after a no.
    Encrypt,
    /// It wants a session with these parameters.
    Session(Vec<(String, String)>),
}

/// The first packet of a session.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = PROTOCOL_3.to_be_bytes().to_vec();
    for (name, value) in parameters {
        for text in [name, value] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    packet(&body)
}

fn packet(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), body].concat()
}

fn strings(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split('\0').map(str::to_owned);
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if !name.is_empty() {
            pairs.push((name, value));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_come_whole_however_they_were_cut() {
        let sent = [Message::query("SELECT 1"), Message::new(b'S', b"")];
        let bytes = sent.each_ref().map(Message::bytes).concat();
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let mut messages = Messages::new(first.chain(second));
            for message in &sent {
                assert_eq!(messages.next().await.unwrap().as_ref(), Some(message));
            }
            assert_eq!(messages.next().await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn message_of_an_impossible_length_is_an_error() {
        for length in [[0, 0, 0, 3], [0xFF; 4]] {
            let bytes = [b"Q".as_slice(), length.as_slice()].concat();
            assert!(Messages::new(bytes.as_slice()).next().await.is_err());
        }
    }

    #[tokio::test]
    async fn startup_is_read_as_it_is_written() {
        let bytes = startup(&[("user", "ada"), ("database", "demo")]);
        let said = Messages::new(bytes.as_slice())
            .next_startup()
            .await
            .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = vec![pair("user", "ada"), pair("database", "demo")];
        assert_eq!(said, Some(Startup::Session(expected)));
    }
}
