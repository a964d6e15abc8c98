//! YAML as people write it into `clouds.yaml`: maps, lists and texts, with anchors and merges.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// A value. A number is the text it is written as: a password may have zeros before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Node {
    #[default]
    Nothing,
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(name),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// This with what another says, map by map; where both say something, the other counts.
    pub(super) fn over(self, other: Self) -> Self {
        match (self, other) {
            (below, Self::Nothing) => below,
            (Self::Map(mut below), Self::Map(above)) => {
                for (name, node) in above {
                    let under = below.remove(&name).unwrap_or_default();
                    below.insert(name, under.over(node));
                }
                Self::Map(below)
            }
            (_, above) => above,
        }
    }
}

/// Something that is being read.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, BTreeMap<String, Node>, Option<String>, Vec<Node>),
}

/// Deeper than anybody writes; and more than an alias of aliases should grow to.
const MAX_DEPTH: usize = 20;
const MAX_NODES: usize = 100_000;

/// Reads the first document. The error says in which line what is wrong, and quotes nothing.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: BTreeMap<usize, Node> = BTreeMap::new();
    let mut nodes = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let wrong = |why: &str| format!("line {}: {why}", span.start.line());
        let (anchor, node) = match event {
            Event::SequenceStart(anchor, _) => {
                open.push(Open::List(anchor, Vec::new()));
                (0, None)
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open::Map(anchor, BTreeMap::new(), None, Vec::new()));
                (0, None)
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(anchor, nodes)) => (anchor, Some(Node::List(nodes))),
                Some(Open::Map(anchor, map, _, merged)) => {
                    let below = merged.into_iter().rev().fold(Node::Nothing, shallow);
                    (anchor, Some(shallow(below, Node::Map(map))))
                }
                None => return Err(wrong("an end without a beginning")),
            },
            Event::Scalar(value, style, anchor, _) => {
                let is_plain = style == ScalarStyle::Plain;
                let is_nothing = is_plain && ["", "~", "null", "Null", "NULL"].contains(&&*value);
                (anchor, Some(if is_nothing { Node::Nothing } else { Node::Text(value.into_owned()) }))
            }
            Event::Alias(anchor) => match anchors.get(&anchor) {
                Some(node) => (0, Some(node.clone())),
                None => return Err(wrong("an alias of what is not there yet")),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => (0, None),
        };
        if open.len() > MAX_DEPTH {
            return Err(wrong("nested too deeply"));
        }
        let Some(node) = node else { continue };
        nodes += count(&node);
        if nodes > MAX_NODES {
            return Err(wrong("more than a file of clouds has"));
        }
        if anchor > 0 {
            anchors.insert(anchor, node.clone());
        }
        match open.last_mut() {
            None => return Ok(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, map, name, merged)) => match (name.take(), node) {
                (None, Node::Text(text)) => *name = Some(text),
                (None, _) => return Err(wrong("a name must be a text")),
                (Some(name), Node::List(list)) if name == "<<" => merged.extend(list),
                (Some(name), node) if name == "<<" => merged.push(node),
                (Some(name), node) => {
                    map.insert(name, node);
                }
            },
        }
    }
    Ok(Node::Nothing)
}

fn count(node: &Node) -> usize {
    1 + match node {
        Node::Nothing | Node::Text(_) => 0,
        Node::List(list) => list.iter().map(count).sum(),
        Node::Map(map) => map.values().map(count).sum(),
    }
}

/// One map's names over another's, as `<<` has it.
fn shallow(below: Node, above: Node) -> Node {
    match (below, above) {
        (Node::Map(mut below), Node::Map(above)) => {
            below.extend(above);
            Node::Map(below)
        }
        (below, Node::Nothing) => below,
        (_, above) => above,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn text(node: &Node, path: &str) -> Option<String> {
        let found = path.split('/').try_fold(node, |node, name| node.get(name))?;
        found.text().map(str::to_owned)
    }

    #[test]
    fn maps_lists_and_texts_are_read_as_they_are_written() {
        let node = read("a:\n  b: 007\n  c: 'x: y'\n  d: ~\n  e: [1, two]\n# end\n").unwrap();
        assert_eq!(text(&node, "a/b").as_deref(), Some("007"));
        assert_eq!(text(&node, "a/c").as_deref(), Some("x: y"));
        assert_eq!(node.get("a").and_then(|a| a.get("d")), Some(&Node::Nothing));
        let list = Node::List(vec![Node::Text("1".to_owned()), Node::Text("two".to_owned())]);
        assert_eq!(node.get("a").and_then(|a| a.get("e")), Some(&list));
        assert_eq!(read("{\"a\": {\"b\": \"c\"}}").map(|node| text(&node, "a/b")), Ok(Some("c".to_owned())));
        assert_eq!(read("# nothing\n"), Ok(Node::Nothing));
    }

    #[test]
    fn anchors_are_merged_below_what_stands_there() {
        let node = read("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz:\n  <<: [{a: 4}, *x]\n").unwrap();
        let texts = ["y/a", "y/b", "z/a", "z/b"].map(|path| text(&node, path).unwrap());
        assert_eq!(texts, ["1", "3", "4", "2"]);
    }

    #[test]
    fn what_is_above_counts() {
        let node = read("a: {b: 1, c: 2}").unwrap().over(read("a: {c: 3, d: 4}\ne: 5").unwrap());
        let texts = ["a/b", "a/c", "a/d", "e"].map(|path| text(&node, path).unwrap());
        assert_eq!(texts, ["1", "3", "4", "5"]);
    }

    #[test]
    fn what_is_no_yaml_is_told_by_its_line_without_its_text() {
        for wrong in ["a: [secret", "a:\n\tsecret: x", "a: *secret", "? [secret]\n: x"] {
            let why = read(wrong).unwrap_err();
            assert!(why.starts_with("line ") && !why.contains("secret"), "{why}");
        }
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for at in 1..9 {
            let of = format!("*a{}", at - 1);
            writeln!(bomb, "a{at}: &a{at} [{}]", [of.as_str(); 10].join(", ")).unwrap();
        }
        assert!(read(&bomb).is_err());
        assert!(read(&"[".repeat(1000)).is_err());
    }
}
