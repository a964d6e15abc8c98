//! The text of a vmdk: lines of `key=value`, of extents, and of the disk's database (`ddb.…`).
//!
//! What is not understood is refused: a reader that understands it may follow it to another file.

use super::fields::shown;

/// The kinds of disks that are one sparse file.
const TAKEN: [&str; 2] = ["monolithicSparse", "streamOptimized"];
const ACCESS: [&str; 3] = ["rw", "rdonly", "noaccess"];
/// What QEMU takes a text for a descriptor by, after comments.
const VERSIONS: [&str; 3] = ["version=1", "version=2", "version=3"];

/// Whether data that begins so is a descriptor, as QEMU or Glance would take it for one.
pub(super) fn is_one(head: &[u8]) -> bool {
    let text = until_zero(head);
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x0b;
    if text.is_empty() || !text.iter().take(512).all(is_text) {
        return false;
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.clone().find(|line| !line.is_empty() && !line.starts_with(b"#"));
    let opens = first
        .is_some_and(|first| VERSIONS.iter().any(|version| first.eq_ignore_ascii_case(version.as_bytes())));
    opens || lines.any(|line| starts_with(line, b"createtype="))
}

/// Checks the descriptor of a sparse file.
///
/// # Errors
/// What in it is not that of one file that names no other.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let text = until_zero(bytes);
    let text =
        str::from_utf8(text).ok().filter(|text| text.is_ascii()).ok_or("the descriptor is no ASCII text")?;
    if text.trim().is_empty() {
        return Err("there is no descriptor".to_owned());
    }
    let (mut kinds, mut extents) = (0, 0);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let small = line.to_ascii_lowercase();
        if small.contains("createtype") {
            kinds += 1;
        }
        if line.starts_with('#') || small.starts_with("ddb") {
            continue;
        }
        let word = small.split([' ', '\t']).next().unwrap_or_default();
        if ACCESS.contains(&word) {
            extents += 1;
            extent(&small)?;
        } else if let Some((key, value)) = small.split_once('=').filter(|(key, _)| !key.contains([' ', '\t']))
        {
            header(key, value.trim())?;
        } else {
            return Err(format!("the line {} is not understood", shown(line.as_bytes())));
        }
    }
    match (kinds, extents) {
        (1, 1) => Ok(()),
        (1, 0) => Err("there is no extent".to_owned()),
        (1, _) => Err(format!("there are {extents} extents, where one file has one")),
        (0, _) => Err("there is no createType".to_owned()),
        _ => Err(format!("createType stands {kinds} times")),
    }
}

fn header(key: &str, value: &str) -> Result<(), String> {
    let bare = value.trim_matches('"');
    match key {
        "createtype" if !TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(bare)) => {
            let taken = TAKEN.join(" and ");
            Err(format!("createType {} is none of {taken}", shown(bare.as_bytes())))
        }
        "parentfilenamehint" => Err(format!("the disk has a parent, {}", shown(bare.as_bytes()))),
        "parentcid" if bare != "ffffffff" => {
            Err(format!("the disk has a parent of id {}", shown(bare.as_bytes())))
        }
        _ => Ok(()),
    }
}

/// `RW 20480 SPARSE "disk.vmdk"`: access, sectors, type, the name it had where it was made, perhaps an offset.
fn extent(line: &str) -> Result<(), String> {
    let malformed = || format!("the extent {} is malformed", shown(line.as_bytes()));
    let mut parts = line.splitn(3, '"');
    let (Some(before), Some(name), Some(after)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed());
    };
    let words: Vec<_> = before.split_ascii_whitespace().collect();
    let [_, sectors, kind] = words.as_slice() else { return Err(malformed()) };
    let after = after.trim();
    if sectors.parse::<u64>().is_err() || !(after.is_empty() || after.parse::<u64>().is_ok()) {
        return Err(malformed());
    }
    if *kind != "sparse" {
        return Err(format!("an extent of type {} is no sparse file", shown(kind.as_bytes())));
    }
    if name.trim().is_empty() || name.contains(['/', '\\']) {
        return Err(format!("the extent names another file, {}", shown(name.as_bytes())));
    }
    Ok(())
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn starts_with(line: &[u8], prefix: &[u8]) -> bool {
    line.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
