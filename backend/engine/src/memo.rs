//! Answers that were found before.
//!
//! A compilation asks the same question again and again: every pass that derives schemas, every pass that must know
//! what is volatile, the verifier and the emission. An answer depends on nothing but its question, so it is kept under
//! the digest of the whole question. A memo lives as long as the compilation it belongs to.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ir::hash::{ContentHash, digest};

/// Answers by the digests of their questions.
pub(crate) struct Memo<V>(Mutex<HashMap<ContentHash, V>>);

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> Memo<V> {
    /// The answer to a question; `find` finds it when the question is new, and is given its digest.
    pub(crate) fn answer(&self, question: &impl Hash, find: impl FnOnce(ContentHash) -> V) -> V {
        let digest = digest(question);
        if let Some(known) = self.answers().get(&digest) {
            return known.clone();
        }
        // Not under the lock: an answer may need others.
        let answer = find(digest);
        self.answers().entry(digest).or_insert(answer).clone()
    }

    /// Everything that was found.
    pub(crate) fn answers(&self) -> MutexGuard<'_, HashMap<ContentHash, V>> {
        // A panic while the lock is held leaves whole answers behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn a_question_is_answered_once() {
        let memo: Memo<usize> = Memo::default();
        let asked = std::cell::Cell::new(0);
        let length = |text: &str| {
            memo.answer(&text, |_| {
                asked.set(asked.get() + 1);
                text.len()
            })
        };
        assert_eq!([length("a"), length("bb"), length("a"), length("bb")], [1, 2, 1, 2]);
        assert_eq!((asked.get(), memo.answers().len()), (2, 2));
    }
}
