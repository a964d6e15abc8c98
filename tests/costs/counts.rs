//! The file that holds what was counted, from which `docs/costs/costs.py` makes `docs/costs.md`.

use std::fmt::Write as _;
use std::path::Path;

use shared::ports::{Item, Query};
use tests::world::World;

use super::meter::{Units, bytes};
use super::{Counted, MEMBER, count, world_of};

const HEAD: &str = "\
# What each operation calls, and the units DynamoDB charges for it. Written by `cargo test -p tests --test costs`, which
# fails while this file is stale and says where the new one is. Not to be edited.
#
# calls: at the ports, in their order; behind the table's, how many items each read or changed.
# queue: jobs that were asked of others meanwhile, each a message.
# read: read request units, strongly consistent. write: write request units of items. index: of their copies in indexes.
";

/// Fails unless the file says what was counted.
pub(super) async fn hold(counted: &[(&str, Counted)]) {
    let mut text = HEAD.to_owned();
    writeln!(text, "\n[bytes] # of an item of each kind, as DynamoDB bills it").unwrap();
    for (kind, item) in published().await {
        writeln!(text, "{kind} = {}", bytes(&item)).unwrap();
    }
    for (operation, Counted { calls, jobs, units }) in counted {
        writeln!(text, "\n[[operation]]\nname = {operation:?}\ncalls = {calls:?}\nqueue = {jobs:?}").unwrap();
        writeln!(text, "read = {}\nwrite = {}\nindex = {}", units.read, units.write, units.index).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs/counts.toml");
    if std::fs::read_to_string(&path).unwrap_or_default() != text {
        let counted = Path::new(env!("CARGO_TARGET_TMPDIR")).join("counts.toml");
        std::fs::write(&counted, text).unwrap();
        panic!(
            "docs/costs/counts.toml is stale: cp {} docs/costs/ && docs/costs/costs.py",
            counted.display()
        );
    }
}

/// The items of a published image, and what is left when it was deleted.
async fn published() -> Vec<(&'static str, Item)> {
    let (world, _, path) = world_of("delete an image with data").await;
    let mut items = stored(&world, &path).await;
    items.push(("blob", only(&world, &image_of(&path), "blob#").await));
    world.call("DELETE", &path).by(MEMBER).send().await;
    items.push(("due", only(&world, "due#blob#0", "").await));
    items.push(("deleted", only(&world, &image_of(&path), "record").await));
    items
}

/// An image's record and its rows in lists.
async fn stored(world: &World, path: &str) -> Vec<(&'static str, Item)> {
    let (project, _) = MEMBER.split_once(':').unwrap();
    vec![
        ("record", only(world, &image_of(path), "record").await),
        ("row_of_all", only(world, "list#all#0", "").await),
        ("row_of_owner", only(world, &format!("list#owner#{project}#0"), "").await),
        ("reference_of_all", only(world, "ids#all#0", "").await),
        ("reference_of_owner", only(world, &format!("ids#owner#{project}#0"), "").await),
    ]
}

fn image_of(path: &str) -> String {
    format!("image#{}", path.rsplit('/').next().unwrap())
}

/// The one item of a partition whose sort key begins so.
async fn only(world: &World, partition: &str, sort: &str) -> Item {
    let items = world.table.query(&Query::partition(partition, 10)).await.unwrap().items;
    let mut items = items.into_iter().filter(|item| item.key.sort.starts_with(sort));
    let item = items.next().unwrap();
    assert!(items.next().is_none(), "{partition} holds one {sort}");
    item
}

/// The engine is not believed blindly: its units are what the published rules make of the items' sizes. A transaction
/// takes two units a KB of each item, the larger of before and after; a row that comes or goes takes one a KB in each of
/// the four indexes, or the two that a reference is in; a consistent read one a 4 KB.
#[tokio::test]
async fn units_are_what_the_sizes_of_items_make() {
    let kb = |(_, item): &(&str, Item)| bytes(item).div_ceil(1024);
    let (usage, indexes, of_references) = (1, 4, 2);

    let (world, _, path) = world_of("upload less than a part").await;
    let queued: Vec<u64> = stored(&world, &path).await.iter().map(kb).collect();
    let (rows, references) = (queued[1] + queued[2], queued[3] + queued[4]);
    let created = count("create an image").await.units;
    let index = indexes * rows + of_references * references;
    assert_eq!(created, Units { read: 0, write: 2 * (queued[0] + rows + references + usage), index });

    let sizes: Vec<u64> = published().await.iter().map(kb).collect();
    let [record, all, owner, of_all, of_owner, blob, due, _deleted] = sizes[..] else { panic!("{sizes:?}") };
    let write = 2 * (record + all + owner + of_all + of_owner + usage + blob + due);
    let deleted = count("delete an image with data").await.units;
    let index = indexes * (all + owner) + of_references * (of_all + of_owner);
    assert_eq!(deleted, Units { read: record.div_ceil(4), write, index });
}
