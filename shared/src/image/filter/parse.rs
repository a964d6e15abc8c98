//! One query parameter into one test.

use super::{
    Comparison, Filter, Memberships, NumberField, Test, TextField, TimeField, VisibilityFilter, invalid,
};
use crate::error::Result;
use crate::image::{HASH_ALGORITHM, MemberStatus, Visibility};
use crate::time::Timestamp;

/// Adds what one parameter asks for. A name that is no attribute is a custom property's.
pub(super) fn filter(filter: &mut Filter, key: &str, value: &str) -> Result<()> {
    let test = match key {
        "visibility" => {
            filter.visibility = Some(visibility(value)?);
            return Ok(());
        }
        "os_hidden" => {
            filter.hidden = boolean(key, &value.to_lowercase())?;
            return Ok(());
        }
        "member_status" => {
            filter.member_status = member_status(value)?;
            return Ok(());
        }
        "name" => Test::Text(TextField::Name, operands(key, value)?),
        "id" => Test::Text(TextField::Id, operands(key, value)?),
        "status" => Test::Text(TextField::Status, operands(key, value)?),
        "container_format" => Test::Text(TextField::ContainerFormat, operands(key, value)?),
        "disk_format" => Test::Text(TextField::DiskFormat, operands(key, value)?),
        "owner" => Test::Text(TextField::Owner, vec![value.to_owned()]),
        "checksum" => Test::Text(TextField::Checksum, vec![value.to_owned()]),
        "os_hash_value" => Test::Text(TextField::HashValue, vec![value.to_owned()]),
        "os_hash_algo" if value == HASH_ALGORITHM => {
            Test::Text(TextField::HashAlgorithm, vec![value.to_owned()])
        }
        "created_at" => time(TimeField::CreatedAt, key, value)?,
        "updated_at" => time(TimeField::UpdatedAt, key, value)?,
        "protected" => Test::Protected(boolean(key, value)?),
        "tag" => Test::Tag(value.to_owned()),
        "os_hash_algo" | "tags" | "locations" | "properties" => Test::Never,
        "changes-since" => return Err(invalid(key, "left out: use updated_at=gte:<time>")),
        _ => match number(key, value)? {
            Some(test) => test,
            None => Test::Property(key.to_owned(), value.to_owned()),
        },
    };
    filter.tests.push(test);
    Ok(())
}

fn visibility(value: &str) -> Result<VisibilityFilter> {
    match Visibility::parse(value) {
        Some(visibility) => Ok(VisibilityFilter::Only(visibility)),
        None if value == "all" => Ok(VisibilityFilter::All),
        None => Err(invalid("visibility", "one of public, private, shared, community, all")),
    }
}

fn member_status(value: &str) -> Result<Memberships> {
    match MemberStatus::parse(value) {
        Some(status) => Ok(Memberships(Some(status))),
        None if value == "all" => Ok(Memberships(None)),
        None => Err(invalid("member_status", "one of pending, accepted, rejected, all")),
    }
}

fn boolean(key: &str, value: &str) -> Result<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid(key, "true or false")),
    }
}

fn time(field: TimeField, key: &str, value: &str) -> Result<Test> {
    let operators = [
        ("gt", Comparison::Greater),
        ("gte", Comparison::AtLeast),
        ("lt", Comparison::Less),
        ("lte", Comparison::AtMost),
        ("eq", Comparison::Equal),
        ("neq", Comparison::Not),
    ];
    // A time has colons of its own, so a prefix counts only when it is letters.
    let (comparison, text) = match value.split_once(':') {
        Some((prefix, rest)) if prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            let known = operators.iter().find(|(name, _)| *name == prefix);
            let (_, comparison) =
                known.ok_or_else(|| invalid(key, "a time, after gt: gte: lt: lte: eq: or neq:"))?;
            (*comparison, rest)
        }
        _ => (Comparison::Equal, value),
    };
    let time = Timestamp::parse(text).ok_or_else(|| invalid(key, "an ISO 8601 time or date"))?;
    Ok(Test::Time(field, comparison, time))
}

/// `size`, `size_min`, `size_max` and their like. Bounds must be integers; a plain value that is none matches nothing.
fn number(key: &str, value: &str) -> Result<Option<Test>> {
    let (name, comparison) = match (key.strip_suffix("_min"), key.strip_suffix("_max")) {
        (Some(name), _) => (name, Comparison::AtLeast),
        (_, Some(name)) => (name, Comparison::AtMost),
        _ => (key, Comparison::Equal),
    };
    let field = match name {
        "size" => NumberField::Size,
        "virtual_size" => NumberField::VirtualSize,
        "min_ram" => NumberField::MinRam,
        "min_disk" => NumberField::MinDisk,
        _ => return Ok(None),
    };
    Ok(Some(match (value.parse::<i128>(), comparison) {
        (Ok(number), _) => bounded(field, comparison, number),
        (Err(_), Comparison::Equal) => Test::Never,
        (Err(_), _) => return Err(invalid(key, "an integer")),
    }))
}

/// A bound outside what a number can be holds always or never.
fn bounded(field: NumberField, comparison: Comparison, number: i128) -> Test {
    match u64::try_from(number) {
        Ok(number) => Test::Number(field, comparison, number),
        Err(_) if (number < 0) == (comparison == Comparison::AtLeast) => {
            Test::Number(field, Comparison::AtLeast, 0)
        }
        Err(_) => Test::Never,
    }
}

/// The values of `name=a`, `name=eq:a` and `name=in:a,"b,c"`.
fn operands(key: &str, value: &str) -> Result<Vec<String>> {
    match value.split_once(':') {
        None => Ok(vec![value.to_owned()]),
        Some(("eq", rest)) => Ok(vec![rest.to_owned()]),
        Some(("in", rest)) => listed(key, rest),
        // A time is the one value with colons that needs no operator, as in Glance.
        Some(_) if Timestamp::parse(value).is_some() => Ok(vec![value.to_owned()]),
        Some(_) => Err(invalid(key, "a value without ':', or one after eq: or in:")),
    }
}

/// Values between commas. A whole value may stand in quotes, and then hold commas, and after a `\` quotes.
fn listed(key: &str, text: &str) -> Result<Vec<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    loop {
        let (value, behind) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted_value(key, quoted)?
        } else {
            let (value, behind) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            (value.to_owned(), behind)
        };
        if !behind.is_empty() && !behind.starts_with(',') || value.contains('"') && !rest.starts_with('"') {
            return Err(invalid(key, "a list whose quotes hold whole values, each between commas"));
        }
        values.push(value);
        match behind.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Ok(values),
        }
    }
}

/// What stands before the closing quote, and what comes behind it.
fn quoted_value<'a>(key: &str, text: &'a str) -> Result<(String, &'a str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            _ => value.push(letter),
        }
    }
    Err(invalid(key, "a list whose quotes are closed"))
}
