use super::*;
use crate::adapters::memory::MemoryTable;
use crate::ports::ProjectLimits;
use crate::usage::Usage;

fn allowed(limits: &[(&str, i64)]) -> Allowance {
    let all = ["image_size_total", "image_stage_total", "image_count_total", "image_count_uploading"];
    let all = all.map(|name| (name.to_owned(), -1)).into_iter();
    (&ProjectLimits::new(all.chain(limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit))))).into()
}

#[test]
fn what_is_allowed_bounds_what_there_is_more_of() {
    let limits = [
        ("image_size_total", 1),
        ("image_stage_total", 2),
        ("image_count_total", 9),
        ("image_count_uploading", 3),
    ];
    let limits = allowed(&limits);
    let queued = image(1);
    let saving = Image { status: Status::Saving, ..queued.clone() };
    let announced = Image { reserved: 7, ..saving.clone() };
    let staging = Image { status: Status::Uploading, ..announced.clone() };
    let staged = Image { size: Some(9), reserved: 0, ..staging.clone() };
    let moved = Image { owner: Some("p2".parse().unwrap()), ..queued.clone() };
    for (before, after, expected) in [
        (None, &queued, "add project#p1 images +1 to 9"),
        (Some(&queued), &saving, "add project#p1 bytes +0 to 1048576 uploading +1 to 3"),
        (Some(&queued), &announced, "add project#p1 bytes +7 to 1048576 uploading +1 to 3"),
        (Some(&announced), &queued, "add project#p1 bytes -7 uploading -1"),
        (Some(&queued), &staging, "add project#p1 uploading +1 to 3 staged +7 to 2097152"),
        (Some(&staging), &staged, "add project#p1 staged +2 to 2097152"),
        (Some(&staged), &queued, "add project#p1 uploading -1 staged -9"),
        (Some(&queued), &moved, "add project#p1 images -1, add project#p2 images +1 to 9"),
    ] {
        let moved: Vec<_> = usage::difference(before, after, &limits).iter().map(told).collect();
        assert_eq!(moved.join(", "), expected, "{before:?} to {after:?}");
    }
}

#[tokio::test]
async fn a_limit_lets_through_as_many_as_it_says() {
    let catalog = Catalog::new(Arc::new(MemoryTable::new()), 1);
    let limits = allowed(&[("image_count_total", 2)]);
    for number in 1..=2 {
        catalog.create(&image(number), &limits).await.unwrap();
    }
    assert!(matches!(catalog.create(&image(3), &limits).await, Err(BoundedError::OverLimit)));
    let taken = catalog.create(&image(1), &limits).await;
    assert!(matches!(taken, Err(BoundedError::Change(ChangeError::Lost))), "the id is taken");
    let others = Image { owner: Some("p2".parse().unwrap()), ..image(3) };
    catalog.create(&others, &limits).await.unwrap();
    assert_eq!(catalog.find(&id(3)).await.unwrap().unwrap().image, others);
}

#[tokio::test]
async fn a_recount_sets_counters_that_went_wrong_and_no_others() {
    let table = Arc::new(MemoryTable::new());
    let catalog = Catalog::new(Arc::clone(&table) as Arc<dyn Table>, 4);
    let project = "p1".parse().unwrap();
    for number in 1..=120 {
        catalog.create(&image(number), &any()).await.unwrap();
    }
    let seen = catalog.find(&id(7)).await.unwrap().unwrap();
    catalog.replace(&seen, &active(&seen.image, 9)).await.unwrap();
    let seen = catalog.find(&id(8)).await.unwrap().unwrap();
    let saving = Image { status: Status::Saving, reserved: 5, ..seen.image.clone() };
    catalog.replace(&seen, &saving).await.unwrap();
    let right = Usage { images: 120, bytes: 14, uploading: 1, staged: 0 };
    assert_eq!(catalog.usage(&project).await.unwrap(), right);
    assert_eq!(catalog.recount_usage(&project).await.unwrap(), (right, right));

    let key = Key { partition: "project#p1".to_owned(), sort: "usage".to_owned() };
    let wrong = vec![Addition::new("images", -200), Addition::new("staged", 3)];
    table.commit(Write::default().with(Change::Add(key.clone(), wrong))).await.unwrap();
    let (said, counted) = catalog.recount_usage(&project).await.unwrap();
    assert_eq!((said, counted), (Usage { images: 0, staged: 3, ..right }, right));
    assert_eq!(catalog.usage(&project).await.unwrap(), right);

    table.commit(Write::default().with(Change::Remove(key, Condition::Always))).await.unwrap();
    assert_eq!(catalog.recount_usage(&project).await.unwrap(), (Usage::default(), right));
    let nobody = "p3".parse().unwrap();
    assert_eq!(catalog.recount_usage(&nobody).await.unwrap(), (Usage::default(), Usage::default()));
}
