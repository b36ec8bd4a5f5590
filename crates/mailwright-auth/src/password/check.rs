//! The work of checking a password: a job that can be given away.

use std::fmt;

use mailwright_core::Secret;
use smallvec::{SmallVec, smallvec};
use subtle::ConstantTimeEq as _;

use super::cost::Cost;
use super::verifier::{Digest, Verifier, argon2id};

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum Checked {
    /// The password is that of the verifier at this place in the list that was given.
    Right(usize),
    /// It is of none of them, or there are none.
    Wrong,
    /// It could not be checked: no memory, or the off-load takes no more. Nobody's failure, so not one to
    /// count against the client: SMTP 454 4.7.0 (RFC 4954 §6).
    Unable,
}

impl Checked {
    /// Whether the client has shown the password.
    pub fn is_right(self) -> bool {
        matches!(self, Self::Right(_))
    }
}

/// A password and what to check it against: tens of milliseconds and megabytes of work, to be moved to where
/// it holds up nobody (an [`Offload`](crate::Offload)).
///
/// **Equal cost.** How long a check takes must not tell whether the user exists. With no verifier, the same
/// evaluation of Argon2 runs against a decoy, and the answer is [`Checked::Wrong`] whatever comes out. That
/// holds as far as accounts cost what the decoy costs, so:
/// - Verifiers with one salt and cost share *one* evaluation. Make the second password of an account with
///   [`Verifier::sibling`], and an account with ten app passwords costs what one without any costs.
/// - No early end: all verifiers are compared, whichever matches, in constant time.
/// - Hash anew what has another [`Verifier::cost`] than new passwords have, when its owner logs in.
/// - The caller makes no difference either: look the user up, then always run the check.
pub struct PasswordCheck {
    digests: SmallVec<[Digest; 1]>,
    password: Secret,
    /// Whether the digests are those of an account, or the decoy.
    known: bool,
}

impl PasswordCheck {
    /// A check of `password` against the verifiers of an account: none if there is no such account. `decoy`
    /// is what new passwords cost.
    ///
    /// Each verifier of another salt or cost adds an evaluation, so bound how many an account may have.
    pub fn new<'a>(verifiers: impl IntoIterator<Item = &'a Verifier>, password: Secret, decoy: Cost) -> Self {
        let mut digests: SmallVec<[Digest; 1]> =
            verifiers.into_iter().map(|verifier| verifier.digest().clone()).collect();
        let known = !digests.is_empty();
        if !known {
            digests = smallvec![Digest { cost: decoy, salt: smallvec![0; 16], hash: smallvec![0; 32] }];
        }
        Self { digests, password, known }
    }

    /// The memory that [`run`](Self::run) takes, in KiB; evaluations follow each other, so the largest
    /// counts. For an off-load that bounds memory rather than jobs.
    pub fn memory_kib(&self) -> u32 {
        self.digests.iter().map(|digest| digest.cost.memory_kib()).max().unwrap_or(0)
    }

    /// Does the work, here and now.
    pub fn run(self) -> Checked {
        self.run_with(argon2id)
    }

    fn run_with(self, mut evaluate: impl FnMut(&[u8], &[u8], Cost, &mut [u8]) -> bool) -> Checked {
        let mut right = None;
        for (at, digest) in self.digests.iter().enumerate() {
            let same = |other: &&Digest| {
                other.cost == digest.cost
                    && other.salt == digest.salt
                    && other.hash.len() == digest.hash.len()
            };
            if self.digests.iter().take(at).any(|earlier| same(&earlier)) {
                continue; // compared when the earlier one was evaluated
            }
            let mut hash: SmallVec<[u8; 32]> = smallvec![0; digest.hash.len()];
            if !evaluate(self.password.expose(), &digest.salt, digest.cost, &mut hash) {
                return Checked::Unable;
            }
            for (place, other) in self.digests.iter().enumerate().skip(at) {
                if same(&other) && bool::from(other.hash.ct_eq(&hash)) {
                    right = right.or(Some(place));
                }
            }
        }
        match right {
            Some(place) if self.known => Checked::Right(place),
            _ => Checked::Wrong,
        }
    }
}

impl fmt::Debug for PasswordCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordCheck(..)") // nor whether the user exists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the check with a stand-in for Argon2 that answers `hash`, and lists the costs it was called with
    /// and how many octets of password, salt and hash.
    fn evaluations(check: PasswordCheck, answer: u8) -> (Checked, Vec<(Cost, [usize; 3])>) {
        let mut seen = vec![];
        let checked = check.run_with(|password, salt, cost, hash| {
            seen.push((cost, [password.len(), salt.len(), hash.len()]));
            hash.fill(answer);
            true
        });
        (checked, seen)
    }

    fn verifier(salt: u8, cost: Cost) -> Verifier {
        Verifier::hash(b"right", [salt; 16], cost).unwrap()
    }

    #[test]
    fn known_and_unknown_users_cost_the_same() {
        let cost = Cost::new(16, 2, 1).unwrap();
        let main = verifier(1, cost);
        let apps = [main.clone(), main.sibling(b"phone").unwrap(), main.sibling(b"tablet").unwrap()];
        let check = |verifiers: &[Verifier]| PasswordCheck::new(verifiers, "wrong".into(), cost);

        let (checked, unknown) = evaluations(check(&[]), 1);
        assert_eq!(checked, Checked::Wrong);
        assert_eq!(unknown, [(cost, [5, 16, 32])], "one evaluation, of the decoy's cost");
        for account in [&apps[..1], &apps] {
            assert_eq!(evaluations(check(account), 1), (Checked::Wrong, unknown.clone()));
            assert_eq!(check(account).memory_kib(), check(&[]).memory_kib());
        }
        let right = PasswordCheck::new(&apps, "right".into(), cost);
        assert_eq!(evaluations(right, 1).1, unknown, "a match is no short cut, either");
    }

    #[test]
    fn the_decoy_is_not_to_be_guessed() {
        let cost = Cost::new(16, 1, 1).unwrap();
        let (checked, seen) = evaluations(PasswordCheck::new(None, "wrong".into(), cost), 0);
        assert_eq!((checked, seen.len()), (Checked::Wrong, 1), "even where Argon2 comes to the decoy's hash");
    }

    #[test]
    fn one_evaluation_for_each_salt_and_cost() {
        let (low, high) = (Cost::new(16, 1, 1).unwrap(), Cost::new(64, 1, 1).unwrap());
        let all = [verifier(1, low), verifier(2, low), verifier(1, high), verifier(1, low)];
        let check = PasswordCheck::new(&all, "wrong".into(), low);
        assert_eq!(check.memory_kib(), 64);
        let costs: Vec<_> = evaluations(check, 1).1.into_iter().map(|seen| seen.0).collect();
        assert_eq!(costs, [low, low, high]);
    }

    #[test]
    fn no_memory_is_neither_right_nor_wrong() {
        let cost = Cost::new(16, 1, 1).unwrap();
        let own = verifier(1, cost);
        for account in [None, Some(&own)] {
            let check = PasswordCheck::new(account, "right".into(), cost);
            assert_eq!(check.run_with(|_, _, _, _| false), Checked::Unable);
        }
    }
}
