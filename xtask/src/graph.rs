//! Circles in a directed graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who points at whom.
pub(crate) type Graph<N> = BTreeMap<N, BTreeSet<N>>;

/// The shortest circle through each group of nodes that reach one another, as the list of its nodes. A graph
/// without circles has none. A node that points at itself is not a circle.
pub(crate) fn circles<N: Ord + Clone>(graph: &Graph<N>) -> Vec<Vec<N>> {
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for start in graph.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = shortest_circle(graph, start) {
            seen.extend(mutual(graph, start));
            circles.push(circle);
        }
    }
    circles
}

/// The nodes that `start` reaches and that reach it.
fn mutual<N: Ord + Clone>(graph: &Graph<N>, start: &N) -> BTreeSet<N> {
    let reached = parents(graph, start).into_keys();
    reached.filter(|node| parents(graph, node).contains_key(start)).collect()
}

fn shortest_circle<N: Ord + Clone>(graph: &Graph<N>, start: &N) -> Option<Vec<N>> {
    let parents = parents(graph, start);
    let mut node = parents.get(start)?;
    let mut circle = vec![node.clone()];
    while node != start {
        node = parents.get(node)?;
        circle.push(node.clone());
    }
    circle.reverse();
    Some(circle)
}

/// For each node that is reached from `start`, breadth first, the node before it.
fn parents<N: Ord + Clone>(graph: &Graph<N>, start: &N) -> BTreeMap<N, N> {
    let mut parents = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for next in graph.get(node).into_iter().flatten() {
            if next != node && !parents.contains_key(next) {
                parents.insert(next.clone(), node.clone());
                open.push_back(next);
            }
        }
    }
    parents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&'static str, &'static str)]) -> Graph<&'static str> {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(*from).or_insert_with(BTreeSet::new).insert(*to);
        }
        graph
    }

    #[test]
    fn layers_have_no_circle() {
        assert!(circles(&graph(&[("a", "b"), ("a", "c"), ("b", "c"), ("c", "c")])).is_empty());
    }

    #[test]
    fn the_shortest_way_round_is_named_once() {
        let found = circles(&graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("b", "a"), ("x", "a")]));
        assert_eq!(found, [["a", "b"]]);
    }

    #[test]
    fn circles_apart_are_reported_apart() {
        let found = circles(&graph(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("a", "c")]));
        assert_eq!(found, [["a", "b"], ["c", "d"]]);
    }
}
