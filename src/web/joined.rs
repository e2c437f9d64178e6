//! Answers of two parts that are compressed one by one, and are one compressed body to the client.
//!
//! The first part is compressed once, and sent again and again before other second parts. In gzip
//! the two are one member, since curl reads no second one: the first part is a stream of deflate
//! that ends on a whole byte and is not final, the second part goes on with another, and the
//! checksum is that of both. In zstd each part is a frame.

use std::io;
use std::sync::Arc;

use axum::body::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use parking_lot::Mutex;

/// Deflate, without a name or a time, compressed for speed, by a system that is not named.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// Room that is made for what deflate writes; Vec doubles it as it grows.
const ROOM_BYTES: usize = 16 << 10;

/// The level at which zstd is fast.
const ZSTD_LEVEL: i32 = 1;

/// How an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// The compressed first part of an answer. Any second part may follow it.
#[derive(Debug, Clone)]
pub(crate) struct FirstPart {
    pub(crate) bytes: Bytes,
    /// Of gzip: the checksum and the length of what was compressed.
    crc: Arc<Crc>,
    /// The compressor of gzip, for second parts. Its tables are a quarter of a megabyte, and to allocate
    /// them takes as long as to compress a few kilobytes.
    compressor: Arc<Mutex<Option<Compress>>>,
}

impl Encoding {
    /// What `Content-Encoding` says.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Compresses a first part.
    ///
    /// # Errors
    ///
    /// When the compressor cannot allocate.
    pub(crate) fn first(self, text: Vec<u8>) -> io::Result<FirstPart> {
        let mut crc = Crc::new();
        let mut compressor = None;
        let bytes = match self {
            Self::Identity => text,
            Self::Gzip => {
                crc.update(&text);
                let mut bytes = GZIP_HEADER.to_vec();
                let compress = compressor.insert(new_compressor());
                // Up to a whole byte, without an end.
                deflate(compress, &text, &mut bytes, FlushCompress::Sync)?;
                bytes
            }
            Self::Zstd => zstd::bulk::compress(&text, ZSTD_LEVEL)?,
        };
        Ok(FirstPart {
            bytes: bytes.into(),
            crc: Arc::new(crc),
            compressor: Arc::new(Mutex::new(compressor)),
        })
    }

    /// Compresses the second part of an answer that begins with `first`, which this encoding made.
    ///
    /// # Errors
    ///
    /// When the compressor cannot allocate.
    pub(crate) fn second(self, first: &FirstPart, text: Vec<u8>) -> io::Result<Bytes> {
        let bytes = match self {
            Self::Identity => text,
            Self::Gzip => {
                let mut crc = Crc::new();
                crc.combine(&first.crc);
                crc.update(&text);
                let mut bytes = Vec::new();
                // Of two second parts at a time, one has a compressor of its own.
                let kept = first.compressor.lock().take();
                let mut compress = kept.unwrap_or_else(new_compressor);
                compress.reset();
                deflate(&mut compress, &text, &mut bytes, FlushCompress::Finish)?;
                *first.compressor.lock() = Some(compress);
                bytes.extend(crc.sum().to_le_bytes());
                bytes.extend(crc.amount().to_le_bytes());
                bytes
            }
            Self::Zstd => zstd::bulk::compress(&text, ZSTD_LEVEL)?,
        };
        Ok(bytes.into())
    }
}

fn new_compressor() -> Compress {
    Compress::new(Compression::fast(), false)
}

/// Appends the text as a stream of deflate that ends as `flush` says. flate2's own writer asks for a
/// sync flush once, and loses what did not fit into its buffer.
fn deflate(
    compress: &mut Compress,
    text: &[u8],
    out: &mut Vec<u8>,
    flush: FlushCompress,
) -> io::Result<()> {
    let mut rest = text;
    loop {
        out.reserve(ROOM_BYTES);
        let before = compress.total_in();
        let status = compress.compress_vec(rest, out, flush)?;
        let taken = usize::try_from(compress.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        // Where room is left, all of it is out.
        let is_flushed = rest.is_empty() && out.len() < out.capacity();
        let is_through = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => is_flushed,
        };
        if is_through {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::bufread::{GzDecoder, MultiGzDecoder};
    use proptest::prelude::*;

    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Identity, Encoding::Gzip, Encoding::Zstd];

    /// The answer as it is sent.
    fn joined(encoding: Encoding, first: &FirstPart, second: &[u8]) -> Vec<u8> {
        let second = encoding.second(first, second.to_vec()).unwrap();
        [&*first.bytes, &*second].concat()
    }

    /// As a client reads it that knows one member, as curl does: with what it left unread.
    fn read_one_member(gzip: &[u8]) -> (Vec<u8>, usize) {
        let mut decoder = GzDecoder::new(gzip);
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).unwrap();
        (text, decoder.into_inner().len())
    }

    /// As a client reads it that goes on to further members, as Go does.
    fn read_every_member(gzip: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        MultiGzDecoder::new(gzip).read_to_end(&mut text).unwrap();
        text
    }

    fn check(first: &[u8], seconds: &[Vec<u8>]) {
        for encoding in ALL {
            let kept = encoding.first(first.to_vec()).unwrap();
            for second in seconds {
                let whole = [first, second].concat();
                let sent = joined(encoding, &kept, second);
                match encoding {
                    Encoding::Identity => assert_eq!(sent, whole),
                    Encoding::Gzip => {
                        assert_eq!(read_one_member(&sent), (whole.clone(), 0));
                        assert_eq!(read_every_member(&sent), whole);
                    }
                    Encoding::Zstd => assert_eq!(zstd::decode_all(&*sent).unwrap(), whole),
                }
            }
        }
    }

    #[test]
    fn nothing_before_or_behind_is_still_one_answer() {
        check(b"", &[Vec::new(), b"live".to_vec()]);
        check(b"kept", &[Vec::new()]);
    }

    #[test]
    fn part_of_any_length_is_whole_up_to_its_last_byte() {
        let long: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let around_room = (ROOM_BYTES - 40)..(ROOM_BYTES + 40);
        for length in around_room.chain([100_000, long.len()]) {
            check(&long[..length], &[b"live".to_vec()]);
        }
        check(&long, std::slice::from_ref(&long));
    }

    #[test]
    fn changed_byte_of_the_first_part_is_seen_in_the_checksum_of_both() {
        let first = Encoding::Gzip.first(b"kept 1\n".to_vec()).unwrap();
        let other = Encoding::Gzip.first(b"kept 2\n".to_vec()).unwrap();
        let second = Encoding::Gzip.second(&other, b"live\n".to_vec()).unwrap();
        let sent = [&*first.bytes, &*second].concat();
        let read = GzDecoder::new(&*sent).read_to_end(&mut Vec::new());
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    proptest! {
        #[test]
        fn any_two_parts_are_read_as_one(
            first in prop::collection::vec(any::<u8>(), 0..5000),
            alike in "[a-c \n]{0,5000}",
            seconds in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
        ) {
            check(&first, &seconds);
            // What the parts have in common is not looked for across their border.
            check(alike.as_bytes(), &[alike.as_bytes().to_vec(), first]);
        }
    }
}
