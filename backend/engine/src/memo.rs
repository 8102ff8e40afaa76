//! Answers that were found before.
//!
//! A compilation asks the same question again and again: every pass that derives schemas, every pass that must know
//! what is volatile, the verifier and the emission. An answer depends on nothing but its question, so it is kept with
//! the whole question and given only to an equal one. A memo lives as long as the compilation it belongs to.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Answers of type `V` by questions of type `K`.
pub(crate) struct Memo<K, V> {
    hasher: RandomState,
    /// By the hash of the question: a question is looked up in a borrowed form, which a map by questions cannot do.
    found: Mutex<HashMap<u64, Vec<(K, V)>>>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), found: Mutex::default() }
    }
}

impl<K, V: Clone> Memo<K, V> {
    /// The answer to a question. `question` is its borrowed form, `is_same` compares a question asked before with it,
    /// `keep` makes the form that is kept, and `find` finds the answer when the question is new.
    pub(crate) fn answer(
        &self,
        question: &impl Hash,
        is_same: impl Fn(&K) -> bool,
        keep: impl FnOnce() -> K,
        find: impl FnOnce() -> V,
    ) -> V {
        let hash = self.hasher.hash_one(question);
        let known = |found: &HashMap<u64, Vec<(K, V)>>| {
            let answers = found.get(&hash)?;
            answers.iter().find(|(asked, _)| is_same(asked)).map(|(_, answer)| answer.clone())
        };
        // A panic while the lock is held leaves whole answers behind.
        if let Some(answer) = known(&self.found.lock().unwrap_or_else(PoisonError::into_inner)) {
            return answer;
        }
        let answer = find();
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if known(&found).is_none() {
            found.entry(hash).or_default().push((keep(), answer.clone()));
        }
        answer
    }

    /// How many different questions were asked.
    pub(crate) fn len(&self) -> usize {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn a_question_is_answered_once_also_when_hashes_collide() {
        struct Colliding(&'static str);
        impl std::hash::Hash for Colliding {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                0.hash(state);
            }
        }
        let memo: Memo<&'static str, usize> = Memo::default();
        let asked = std::cell::Cell::new(0);
        let length = |text: &'static str| {
            let question = Colliding(text);
            memo.answer(
                &question,
                |kept| *kept == question.0,
                || question.0,
                || {
                    asked.set(asked.get() + 1);
                    text.len()
                },
            )
        };
        assert_eq!([length("a"), length("bb"), length("a"), length("bb")], [1, 2, 1, 2]);
        assert_eq!((asked.get(), memo.len()), (2, 2));
    }
}
