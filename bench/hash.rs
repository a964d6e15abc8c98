//! How long the hashes that every image gets take on one core, by the libraries that Glint has them from.   hash FILE
//!
//! A line each: a name, and the seconds for the file's bytes, which are in memory already.

#![expect(clippy::print_stdout, reason = "it is what is asked for")]

use std::hint::black_box;
use std::time::Instant;

/// As many bytes as a body brings at a time.
const PIECE: usize = 1 << 20;

fn main() -> std::io::Result<()> {
    let bytes = std::fs::read(std::env::args().nth(1).unwrap_or_default())?;
    let clocked = |name: &str, hash: &dyn Fn(&[u8])| {
        let begun = Instant::now();
        hash(black_box(&bytes));
        println!("{name} {}", begun.elapsed().as_secs_f64());
    };
    clocked("md5", &|bytes| {
        let mut hash = fast_md5::Md5::new();
        bytes.chunks(PIECE).for_each(|piece| hash.update(piece));
        black_box(hash.finalize());
    });
    clocked("md5-resumable", &|bytes| {
        black_box(all::<md5::Md5>(bytes));
    });
    clocked("sha512", &|bytes| {
        black_box(all::<sha2::Sha512>(bytes));
    });
    Ok(())
}

fn all<H: sha2::Digest>(bytes: &[u8]) -> sha2::digest::Output<H> {
    let mut hash = H::new();
    bytes.chunks(PIECE).for_each(|piece| hash.update(piece));
    hash.finalize()
}
