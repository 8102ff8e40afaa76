//! The C3 rule.

use std::collections::{BTreeMap, HashMap};

/// Most ancestors of one class; the order ends there as at a base that is not known. Long chains of classes would
/// otherwise take space by the square of their length.
const MAX_ANCESTORS: usize = 1000;
/// Stands for what follows where the bases of a class have no order, or more ancestors than that.
const NOTHING: i64 = 0;

/// The orders of all classes, from rows of class, base and position.
pub(super) fn linearize(rows: &[(i64, Option<i64>, i64)]) -> BTreeMap<i64, Vec<i64>> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable_by_key(|&(class, base, position)| (class, position, base));
    let mut bases: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (class, base, _) in sorted {
        let known = bases.entry(class).or_default();
        known.extend(base.filter(|base| !known.contains(base)));
    }
    let mut orders: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for &class in bases.keys() {
        // Classes that wait for the order of a base, outermost first.
        let mut waiting = vec![class];
        while let Some(&current) = waiting.last() {
            let own = bases.get(&current).map_or(&[][..], Vec::as_slice);
            let next = own.iter().find(|base| bases.contains_key(base) && !orders.contains_key(base));
            match next {
                Some(base) if !waiting.contains(base) && waiting.len() < MAX_ANCESTORS => waiting.push(*base),
                Some(_) => {
                    orders.insert(current, vec![current, NOTHING]);
                    waiting.pop();
                }
                None => {
                    orders.insert(current, merge(current, own, &bases, &orders));
                    waiting.pop();
                }
            }
        }
    }
    orders
}

/// The order of a class from those of its bases.
fn merge(
    class: i64,
    own: &[i64],
    bases: &BTreeMap<i64, Vec<i64>>,
    orders: &BTreeMap<i64, Vec<i64>>,
) -> Vec<i64> {
    let of_base = |base: &i64| orders.get(base).cloned().unwrap_or_else(|| vec![*base]);
    let mut lists: Vec<Vec<i64>> = own.iter().map(of_base).chain([own.to_vec()]).collect();
    lists.iter_mut().for_each(|list| list.reverse());
    // How many lists have an ancestor behind their first.
    let mut behind: HashMap<i64, usize> = HashMap::new();
    for list in &lists {
        for ancestor in list.split_last().map_or(&[][..], |(_, rest)| rest) {
            *behind.entry(*ancestor).or_default() += 1;
        }
    }
    let mut order = vec![class];
    loop {
        let firsts = || lists.iter().filter_map(|list| list.last().copied());
        if firsts().next().is_none() {
            return order;
        }
        let good = firsts().find(|first| behind.get(first).is_none_or(|&count| count == 0));
        let Some(next) = good.filter(|_| order.len() < MAX_ANCESTORS) else {
            order.push(NOTHING);
            return order;
        };
        order.push(next);
        if !bases.contains_key(&next) {
            return order;
        }
        for list in lists.iter_mut().filter(|list| list.last() == Some(&next)) {
            list.pop();
            if let Some(count) = list.last().and_then(|first| behind.get_mut(first)) {
                *count -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::linearize;

    fn order(rows: &[(i64, Option<i64>, i64)], class: i64) -> Vec<i64> {
        linearize(rows).remove(&class).unwrap_or_default()
    }

    #[test]
    fn orders_are_those_of_python() {
        // The hierarchy of the paper, with `object` as 1: what CPython's `__mro__` gives for it.
        let (o, a, b, c, d, e, k1, k2, k3, z) = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        let rows = [
            (o, None, 0),
            (a, Some(o), 0),
            (b, Some(o), 0),
            (c, Some(o), 0),
            (d, Some(o), 0),
            (e, Some(o), 0),
            (k1, Some(a), 0),
            (k1, Some(b), 1),
            (k1, Some(c), 2),
            (k2, Some(d), 0),
            (k2, Some(b), 1),
            (k2, Some(e), 2),
            (k3, Some(d), 0),
            (k3, Some(a), 1),
            (z, Some(k1), 0),
            (z, Some(k2), 1),
            (z, Some(k3), 2),
        ];
        assert_eq!(order(&rows, z), [z, k1, k2, k3, d, a, b, c, e, o]);
        // The last base first in depth is not the answer here: in Python A comes before B.
        assert_eq!(order(&rows, k3), [k3, d, a, o]);
    }

    #[test]
    fn an_order_ends_at_what_is_not_known() {
        let rows = [
            (1, Some(90), 0),
            (2, None, 0),
            (3, Some(1), 0),
            (3, Some(2), 1),
            (4, Some(2), 0),
            (4, Some(1), 1),
        ];
        assert_eq!(order(&rows, 3), [3, 1, 90]);
        assert_eq!(order(&rows, 4), [4, 2, 1, 90]);
    }

    #[test]
    fn classes_without_an_order_end_in_nothing() {
        let circle = [(1, Some(2), 0), (2, Some(1), 0)];
        assert_eq!(order(&circle, 1).last(), Some(&0));
        // class A(X, Y), class B(Y, X), class C(A, B): TypeError in Python.
        let crossed = [
            (1, None, 0),
            (2, None, 0),
            (3, Some(1), 0),
            (3, Some(2), 1),
            (4, Some(2), 0),
            (4, Some(1), 1),
            (5, Some(3), 0),
            (5, Some(4), 1),
        ];
        assert_eq!(order(&crossed, 5), [5, 3, 4, 0]);
        let chain: Vec<_> = (1..5000).map(|class| (class, Some(class + 1), 0)).collect();
        assert_eq!(order(&chain, 1).last(), Some(&0));
    }
}
