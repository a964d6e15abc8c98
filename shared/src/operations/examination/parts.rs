//! Parts that have arrived, against those there should be.

use crate::ports::{Store, StoreError};
use crate::store::{ArrivedPart, MOST_AT_A_TIME, ObjectKey, PartLayout};

/// Every part that has arrived.
pub(in crate::operations) async fn all_parts(
    store: &dyn Store,
    key: &ObjectKey,
    upload: &str,
) -> Result<Vec<ArrivedPart>, StoreError> {
    let mut all: Vec<ArrivedPart> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.number);
        let page = store.arrived(key, upload, after, MOST_AT_A_TIME).await?;
        let is_last = page.len() < MOST_AT_A_TIME as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// Which parts are missing, or have another size than they should, in words; `None` when there are none.
pub(in crate::operations) fn missing(layout: PartLayout, arrived: &[ArrivedPart]) -> Option<String> {
    let len = |number| layout.range(number).map(|range| range.end - range.start);
    let mut arrived = arrived.iter().filter(|part| len(part.number) == Some(part.len)).peekable();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in 1..=layout.count() {
        if arrived.next_if(|part| part.number == number).is_some() {
            continue;
        }
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let word = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first} to {last}") }
    };
    let mut words: Vec<_> = runs.iter().take(RUNS).map(word).collect();
    if runs.len() > RUNS {
        words.push("…".to_owned());
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// How many runs of missing parts are named.
const RUNS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(parts: &[(u32, u64)]) -> Vec<ArrivedPart> {
        let part =
            |&(number, len): &(u32, u64)| ArrivedPart { number, len, etag: "x".to_owned(), checksum: None };
        parts.iter().map(part).collect()
    }

    #[test]
    fn what_is_missing_is_named_by_runs() {
        let layout = PartLayout { size: 75, part_bytes: 10 };
        for (parts, expected) in [
            (vec![], Some("1 to 8")),
            (vec![(1, 10), (4, 10), (8, 5)], Some("2 to 3, 5 to 7")),
            (vec![(1, 10), (2, 10), (3, 9), (4, 10), (5, 10), (6, 10), (7, 10), (8, 10)], Some("3, 8")),
            ((1..=7).map(|number| (number, 10)).chain([(8, 5)]).collect(), None),
        ] {
            assert_eq!(missing(layout, &arrived(&parts)).as_deref(), expected);
        }
        assert_eq!(missing(PartLayout { size: 0, part_bytes: 10 }, &[]), None);
    }
}
