//! Values that are made of others.

use std::rc::Rc;

use super::{MAX_NESTING, MAX_WAYS, Val};

/// How many lists and promises a value is in, one inside the other.
fn nesting(value: &Val) -> usize {
    let mut depth = 0;
    let mut current = value;
    while let Val::List(inner) | Val::Promise(inner) = current {
        depth += 1;
        current = inner;
    }
    depth
}

pub(super) fn list(of: Val) -> Val {
    Val::List(Rc::new(if nesting(&of) < MAX_NESTING { of } else { Val::Unknown }))
}

pub(super) fn promise(of: Val) -> Val {
    if matches!(of, Val::Promise(_)) {
        return of;
    }
    Val::Promise(Rc::new(if nesting(&of) < MAX_NESTING { of } else { Val::Unknown }))
}

pub(super) fn awaited(of: Val) -> Val {
    if let Val::Promise(inner) = of { Val::clone(&inner) } else { of }
}

/// One of some values: what is not known of some does not hide what is known of others.
pub(super) fn one_of(values: Vec<Val>) -> Val {
    let joined = joined(values, |value| if let Val::Or(inner) = value { Ok(inner) } else { Err(value) });
    joined.map_or_else(|one| one, Val::Or)
}

/// All of some values.
pub(super) fn all(values: Vec<Val>) -> Val {
    let joined = joined(values, |value| if let Val::And(inner) = value { Ok(inner) } else { Err(value) });
    joined.map_or_else(|one| one, Val::And)
}

/// Several values without those that say nothing; the error is the only one, or that none is known.
fn joined(values: Vec<Val>, open: impl Fn(Val) -> Result<Rc<[Val]>, Val>) -> Result<Rc<[Val]>, Val> {
    let mut kept: Vec<Val> = Vec::new();
    let mut nothing = false;
    for value in values {
        match open(value) {
            Ok(inner) => kept.extend(inner.iter().cloned()),
            Err(Val::Unknown) => {}
            Err(Val::Nothing) => nothing = true,
            Err(one) => kept.push(one),
        }
    }
    let mut unique: Vec<Val> = Vec::with_capacity(kept.len().min(MAX_WAYS));
    for value in kept {
        if !unique.contains(&value) {
            unique.push(value);
        }
        if unique.len() > MAX_WAYS {
            return Err(Val::Unknown);
        }
    }
    match unique.len() {
        0 => Err(if nothing { Val::Nothing } else { Val::Unknown }),
        1 => Err(unique.pop().unwrap_or_default()),
        _ => Ok(unique.into()),
    }
}
