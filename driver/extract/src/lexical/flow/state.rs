//! The bindings in force at a place, through branches.

use std::collections::HashMap;

use super::{Arm, Control, Key};
use crate::lexical::BindingIndex;

/// How many handlers of one guarded arm know what may be bound in it. Each of them knows all of it, so for any number of
/// handlers that would be the product of both.
const MOST_HANDLERS: usize = 64;

/// Stands among the bindings of a name for having none.
const UNBOUND: BindingIndex = BindingIndex::MAX;

/// A few bindings of one name, ascending; last among them may be that it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bindings(Vec<BindingIndex>);

impl Bindings {
    /// How many are kept. A name with more at one place is a table of its own kind, of which the first are as good as any.
    pub(super) const MOST: usize = 16;

    pub(super) fn one(index: BindingIndex) -> Self {
        Self(vec![index])
    }

    /// Whether the name is bound on no way to the place.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether the name is unbound on some way to the place.
    pub(super) fn may_be_unbound(&self) -> bool {
        self.0.last().is_none_or(|&last| last == UNBOUND)
    }

    pub(super) fn contains(&self, index: BindingIndex) -> bool {
        self.0.binary_search(&index).is_ok()
    }

    /// The bindings proper.
    pub(super) fn iter(&self) -> impl Iterator<Item = BindingIndex> {
        self.0.iter().copied().filter(|&index| index != UNBOUND)
    }

    /// The same, or none where another name that is looked up in its place has none.
    pub(super) fn or_unbound(mut self, other: &Self) -> Self {
        if other.may_be_unbound() {
            self.unite(&Self::one(UNBOUND));
        }
        self
    }

    /// The same among others, where having none must not get lost.
    fn explicit(self) -> Self {
        if self.0.is_empty() { Self::one(UNBOUND) } else { self }
    }

    pub(super) fn unite(&mut self, other: &Self) {
        for &index in &other.0 {
            if let Err(place) = self.0.binary_search(&index)
                && self.0.len() < Self::MOST
            {
                self.0.insert(place, index);
            }
        }
    }
}

impl FromIterator<BindingIndex> for Bindings {
    fn from_iter<I: IntoIterator<Item = BindingIndex>>(indexes: I) -> Self {
        let mut found: Vec<BindingIndex> = indexes.into_iter().take(Self::MOST).collect();
        found.sort_unstable();
        Self(found)
    }
}

/// What happened on a stretch of the way.
#[derive(Debug, Default)]
struct Stretch {
    /// The bindings in force at its end, of the names bound on it.
    last: HashMap<Key, Bindings>,
    /// All bindings made on it.
    all: HashMap<Key, Bindings>,
    /// Whether the way ended on it.
    ended: bool,
    /// Whether some way went on behind the loop.
    jumped: bool,
}

/// A branch that was entered, with the arms that were left, or a stretch of straight-line code.
#[derive(Debug)]
enum Frame {
    Branch {
        exhaustive: bool,
        arms: Vec<(Arm, Stretch)>,
    },
    Arm(Arm, Stretch),
    /// A body; nothing outside is in force in it.
    Body(Stretch),
}

/// The bindings in force at a place.
#[derive(Default)]
pub(super) struct State {
    /// The file's own code, outside of all branches and bodies.
    file: Stretch,
    frames: Vec<Frame>,
}

impl State {
    /// The bindings of a name.
    pub(super) fn lookup(&self, key: Key) -> Bindings {
        for frame in self.frames.iter().rev() {
            match frame {
                Frame::Branch { .. } => {}
                Frame::Arm(_, stretch) => {
                    if let Some(bindings) = stretch.last.get(&key) {
                        return bindings.clone();
                    }
                }
                Frame::Body(stretch) => return stretch.last.get(&key).cloned().unwrap_or_default(),
            }
        }
        self.file.last.get(&key).cloned().unwrap_or_default()
    }

    /// Gives a name the bindings from here on.
    pub(super) fn set(&mut self, key: Key, bindings: Bindings) {
        let stretch = self.stretch();
        stretch.all.entry(key).or_default().unite(&bindings);
        stretch.last.insert(key, bindings);
    }

    pub(super) fn enter(&mut self, control: Control) {
        match control {
            Control::Branch { exhaustive } => {
                self.frames.push(Frame::Branch { exhaustive, arms: Vec::new() })
            }
            Control::Arm(arm) => {
                let before = self.before(arm);
                self.frames.push(Frame::Arm(arm, before));
            }
            Control::Body => self.frames.push(Frame::Body(Stretch::default())),
            Control::Join => {
                if let Some(Frame::Branch { exhaustive, arms }) = self.frames.last_mut() {
                    let (exhaustive, arms) = (*exhaustive, std::mem::take(arms));
                    self.join(exhaustive, &arms);
                }
            }
            Control::Exit => self.stretch().ended = true,
            Control::Jump => {
                self.stretch().ended = true;
                for frame in self.frames.iter_mut().rev() {
                    match frame {
                        Frame::Arm(arm, stretch) => {
                            stretch.jumped = true;
                            if *arm == Arm::Repeated {
                                break;
                            }
                        }
                        Frame::Branch { .. } => {}
                        Frame::Body(_) => break,
                    }
                }
            }
        }
    }

    /// Enters an arm that runs again and again, and makes these bindings, any of which may be in force when it begins.
    pub(super) fn enter_repeated(&mut self, again: &[(Key, BindingIndex)]) {
        let mut before = Stretch::default();
        for &(key, index) in again {
            let bindings = before.last.entry(key).or_insert_with(|| self.lookup(key).explicit());
            bindings.unite(&Bindings::one(index));
        }
        self.frames.push(Frame::Arm(Arm::Repeated, before));
    }

    pub(super) fn leave(&mut self, control: Control) {
        match control {
            Control::Branch { .. } => {
                if let Some(Frame::Branch { exhaustive, arms }) = self.frames.pop() {
                    self.join(exhaustive, &arms);
                }
            }
            Control::Arm(_) => {
                if let Some(Frame::Arm(arm, stretch)) = self.frames.pop()
                    && let Some(Frame::Branch { arms, .. }) = self.frames.last_mut()
                {
                    if arm == Arm::Continued {
                        arms.retain(|(other, _)| *other != Arm::Guarded);
                    }
                    arms.push((arm, stretch));
                }
            }
            Control::Body => {
                self.frames.pop();
            }
            Control::Join | Control::Exit | Control::Jump => {}
        }
    }

    /// What is in force when an arm begins, beyond what was before the branch.
    fn before(&self, arm: Arm) -> Stretch {
        let mut before = Stretch::default();
        let Some(Frame::Branch { arms, .. }) = self.frames.last() else { return before };
        let guarded = arms
            .iter()
            .find(|(other, _)| matches!(other, Arm::Guarded | Arm::Repeated))
            .map(|(_, stretch)| stretch);
        match (arm, guarded) {
            // What follows a loop when nothing has left it may see what any of its rounds has bound.
            (Arm::Handler | Arm::Alternative, Some(guarded)) if arms.len() <= MOST_HANDLERS => {
                for (&key, made) in &guarded.all {
                    #[cfg(test)]
                    crate::tree::work::step();
                    let mut bindings = self.lookup(key).explicit();
                    bindings.unite(made);
                    before.last.insert(key, bindings);
                }
            }
            (Arm::Continued, Some(guarded)) => {
                before.last.clone_from(&guarded.last);
                before.all.clone_from(&guarded.all);
                before.ended = guarded.ended;
                before.jumped = guarded.jumped;
            }
            _ => {}
        }
        before
    }

    /// Goes on behind the arms of a branch.
    fn join(&mut self, exhaustive: bool, arms: &[(Arm, Stretch)]) {
        let goes_on =
            |(arm, stretch): &&(Arm, Stretch)| !stretch.ended || (*arm == Arm::Repeated && stretch.jumped);
        let live = Live::new(arms.iter().filter(goes_on));
        let mut results: HashMap<Key, Bindings> = HashMap::with_capacity(live.saying.len());
        for (&key, saying) in &live.saying {
            results.insert(key, live.joined(key, saying, exhaustive, &self.lookup(key).explicit()));
        }
        let ended = exhaustive && live.arms.is_empty() && !arms.is_empty();
        let stretch = self.stretch();
        stretch.ended |= ended;
        for (key, made) in arms.iter().flat_map(|(_, arm)| &arm.all) {
            stretch.all.entry(*key).or_default().unite(made);
        }
        stretch.last.extend(results);
    }

    /// The innermost stretch.
    fn stretch(&mut self) -> &mut Stretch {
        for frame in self.frames.iter_mut().rev() {
            match frame {
                Frame::Branch { .. } => {}
                Frame::Arm(_, stretch) | Frame::Body(stretch) => return stretch,
            }
        }
        &mut self.file
    }
}

/// The arms of a branch from which the way goes on, and which of them say something of a name: of many arms most say
/// nothing of most names.
struct Live<'a> {
    arms: Vec<&'a (Arm, Stretch)>,
    /// How many of the arms before each run when the program runs.
    ranks: Vec<usize>,
    /// How many arms do.
    running: usize,
    /// The places of the arms that say something, of each name that some arm binds at its end.
    saying: HashMap<Key, Vec<usize>>,
}

impl<'a> Live<'a> {
    fn new(arms: impl Iterator<Item = &'a (Arm, Stretch)>) -> Self {
        let mut live = Self { arms: arms.collect(), ranks: Vec::new(), running: 0, saying: HashMap::new() };
        for (place, (arm, stretch)) in live.arms.iter().enumerate() {
            live.ranks.push(live.running);
            live.running += usize::from(*arm != Arm::TypesOnly);
            for &key in stretch.last.keys() {
                live.saying.entry(key).or_default().push(place);
            }
        }
        for (place, (_, stretch)) in live.arms.iter().enumerate().filter(|(_, (_, arm))| arm.jumped) {
            for key in stretch.all.keys().filter(|key| !stretch.last.contains_key(key)) {
                live.saying.entry(*key).and_modify(|places| places.push(place));
            }
        }
        live.saying.values_mut().for_each(|places| places.sort_unstable());
        live
    }

    /// The bindings of a name behind the branch; an arm that says nothing keeps those from before it.
    fn joined(&self, key: Key, saying: &[usize], exhaustive: bool, before: &Bindings) -> Bindings {
        let mut bindings = Bindings::default();
        let mut heard = 0;
        let stretches =
            saying.iter().filter_map(|&place| Some((*self.arms.get(place)?, self.ranks.get(place)?)));
        for ((_, stretch), &rank) in stretches.clone().filter(|((arm, _), _)| *arm != Arm::TypesOnly) {
            #[cfg(test)]
            crate::tree::work::step();
            if rank > heard {
                bindings.unite(before);
            }
            heard += 1;
            // A name that an arm deletes is unbound behind it.
            match stretch.last.get(&key) {
                Some(last) if last.0.is_empty() => bindings.unite(&Bindings::one(UNBOUND)),
                last => bindings.unite(last.unwrap_or(before)),
            }
            if stretch.jumped {
                stretch.all.get(&key).into_iter().for_each(|made| bindings.unite(made));
            }
        }
        if !exhaustive || self.running > heard {
            bindings.unite(before);
        }
        if bindings.is_empty() {
            let of_types = stretches.filter_map(|((_, stretch), _)| stretch.last.get(&key));
            let of_types: Bindings = of_types.flat_map(Bindings::iter).collect();
            if !of_types.is_empty() {
                return of_types;
            }
        }
        bindings
    }
}
