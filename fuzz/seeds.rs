//! Writes a corpus to begin with: the samples of every format, for each target.   cargo run --bin seeds

use std::fs;

use shared::format::samples;

fn main() -> std::io::Result<()> {
    for target in ["split", "ranges", "judged"] {
        let folder = format!("corpus/{target}");
        fs::create_dir_all(&folder)?;
        for (number, (name, image)) in samples::all().into_iter().enumerate() {
            // What lies behind a mebibyte makes fuzzing slow; `patched` has the larger samples built in.
            if image.len() <= 1 << 20 {
                fs::write(format!("{folder}/{number:02}-{name}"), image)?;
            }
        }
    }
    Ok(())
}
