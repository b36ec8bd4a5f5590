//! When to try again, and for how long.

use std::time::Duration;

use mailwright_core::{ReversePath, Timestamp};

use crate::diagnostic::Diagnostic;
use crate::greylist::RetryHint;

/// When a message is tried again and when it is given up (RFC 5321 §4.5.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleConfig {
    /// The wait after each attempt; after the last of these it stays the same. None at all is taken for one hour.
    /// Default: 1, 5, 15, 30 minutes, 1, 2, 4 hours; for reports 5, 30 minutes, 2, 4 hours. RFC 5321 §4.5.4.1 asks
    /// for 30 minutes in general, and allows less where the reason is known: most delays are short.
    pub waits: Vec<Duration>,
    /// The time from acceptance, or release, after which a message is given up. Default: 5 days (RFC 5321 §4.5.4.1 asks for 4
    /// to 5); for reports 2 days, which it allows.
    pub lifetime: Duration,
}

impl ScheduleConfig {
    /// The default for mail.
    pub fn mail() -> Self {
        let waits = [1, 5, 15, 30, 60, 120, 240].map(minutes).into();
        Self { waits, lifetime: minutes(5 * 24 * 60) }
    }

    /// The default for reports, which nobody waits for.
    pub fn reports() -> Self {
        Self { waits: [5, 30, 120, 240].map(minutes).into(), lifetime: minutes(2 * 24 * 60) }
    }

    /// The wait after that many attempts, of which the last has just failed.
    fn wait(&self, attempts: u32) -> Duration {
        let at = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        self.waits.get(at).or(self.waits.last()).copied().unwrap_or(minutes(60)).max(SHORTEST)
    }
}

/// Shorter waits are not made: RFC 5321 §4.5.4.1 wants a delay after each attempt.
const SHORTEST: Duration = Duration::from_secs(1);

/// When mail and reports are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryConfig {
    /// For mail.
    pub mail: ScheduleConfig,
    /// For what has no sender: reports of delivery, and answers of programs.
    pub reports: ScheduleConfig,
    /// Percent of each wait by which it is randomly shorter or longer, so that what failed together is not tried
    /// again together. Default: 10; more than 90 is taken for 90.
    pub jitter: u8,
    /// The wait after the first attempt if a server seems to greylist and does not say for how long. Default: 6
    /// minutes: most make new clients wait for 5.
    pub greylist_wait: Duration,
    /// The shortest wait that a server is believed to want when it says how long. Default: 30 seconds.
    pub announced_min: Duration,
    /// The longest. Default: 4 hours.
    pub announced_max: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            mail: ScheduleConfig::mail(),
            reports: ScheduleConfig::reports(),
            jitter: 10,
            greylist_wait: minutes(6),
            announced_min: Duration::from_secs(30),
            announced_max: minutes(240),
        }
    }
}

impl RetryConfig {
    /// The schedule for mail from `sender`.
    pub fn schedule(&self, sender: &ReversePath) -> &ScheduleConfig {
        match sender {
            ReversePath::Null => &self.reports,
            ReversePath::Address(_) => &self.mail,
        }
    }

    /// When what arrived then is given up.
    pub fn expires(&self, sender: &ReversePath, arrived: Timestamp) -> Timestamp {
        arrived.saturating_add(self.schedule(sender).lifetime)
    }

    /// How long to wait for the next attempt, after `attempts` of which the last ended with `diagnostic`. The same
    /// arguments give the same wait; `random` is any number.
    pub fn wait(
        &self,
        sender: &ReversePath,
        attempts: u32,
        diagnostic: &Diagnostic,
        random: u64,
    ) -> Duration {
        let hint = RetryHint::of(diagnostic);
        let jitter = u32::from(self.jitter.min(90));
        if let Some(wait) = hint.wait {
            // Not sooner than the server has said.
            let wait = wait.min(self.announced_max).max(self.announced_min);
            return spread(wait, 100, 100 + jitter, random);
        }
        let wait = match hint.greylisted && attempts <= 1 {
            true => self.greylist_wait,
            false => self.schedule(sender).wait(attempts),
        };
        spread(wait, 100 - jitter, 100 + jitter, random)
    }
}

/// Between so many percent of `wait` and so many.
fn spread(wait: Duration, from: u32, to: u32, random: u64) -> Duration {
    // In steps of a thousandth of a percent.
    let span = u64::from(to.saturating_sub(from)) * 1_000 + 1;
    let share = u64::from(from) * 1_000 + random % span;
    let share = u32::try_from(share).unwrap_or(100_000);
    (wait / 100_000).saturating_mul(share)
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[cfg(test)]
mod tests {
    use mailwright_core::{EnhancedCode, ReplyCode};
    use proptest::prelude::*;

    use super::*;
    use crate::diagnostic::AttemptStage;

    fn sender() -> ReversePath {
        ReversePath::Address("ann@a.example".parse().unwrap())
    }

    fn said(text: &str) -> Diagnostic {
        let codes = (ReplyCode::new(451).unwrap(), EnhancedCode::new(4, 7, 1));
        Diagnostic::reply(Timestamp(0), AttemptStage::Rcpt, "mx.example", codes, text)
    }

    fn without_jitter() -> RetryConfig {
        RetryConfig { jitter: 0, ..RetryConfig::default() }
    }

    #[test]
    /// RFC 5321 §4.5.4.1
    fn waits_grow_and_stay() {
        let minutes = |sender: &ReversePath| {
            (1..10u32)
                .map(|attempts| without_jitter().wait(sender, attempts, &said("no"), 0).as_secs() / 60)
                .collect::<Vec<_>>()
        };
        assert_eq!(minutes(&sender()), [1, 5, 15, 30, 60, 120, 240, 240, 240]);
        assert_eq!(minutes(&ReversePath::Null), [5, 30, 120, 240, 240, 240, 240, 240, 240]);
    }

    #[test]
    fn servers_that_say_when_are_believed_within_bounds() {
        let config = without_jitter();
        for (text, attempts, seconds) in [
            ("greylisted", 1, 360),
            ("greylisted", 2, 300),
            ("greylisted, try again in 600 seconds", 1, 600),
            ("try again in 1 second", 1, 30),
            ("try again in 900000 hours", 3, 4 * 3600),
            ("no", 1, 60),
        ] {
            let wait = config.wait(&sender(), attempts, &said(text), 0);
            assert_eq!(wait.as_secs(), seconds, "{text} after {attempts}");
        }
    }

    #[test]
    fn reports_are_given_up_sooner() {
        let config = RetryConfig::default();
        let day = 86_400_000;
        assert_eq!(config.expires(&sender(), Timestamp(0)), Timestamp(5 * day));
        assert_eq!(config.expires(&ReversePath::Null, Timestamp(0)), Timestamp(2 * day));
    }

    mailwright_core::properties! {
        #[test]
        fn jitter_stays_within_its_share(random in any::<u64>(), jitter in any::<u8>(), attempts in any::<u32>()) {
            let config = RetryConfig { jitter, ..RetryConfig::default() };
            let plain = without_jitter().wait(&sender(), attempts, &said("no"), 0);
            let wait = config.wait(&sender(), attempts, &said("no"), random);
            let share = u32::from(jitter.min(90));
            prop_assert!(wait >= plain * (100 - share) / 100 && wait <= plain * (100 + share) / 100);
            let announced = config.wait(&sender(), attempts, &said("try again in 600 seconds"), random);
            prop_assert!(announced.as_secs() >= 600);
        }

        #[test]
        fn any_setting_gives_a_wait(seconds in any::<u64>(), attempts in any::<u32>(), random in any::<u64>()) {
            let waits = vec![Duration::from_secs(seconds)];
            let mail = ScheduleConfig { waits, lifetime: Duration::MAX };
            let config = RetryConfig { mail, ..RetryConfig::default() };
            prop_assert!(config.wait(&sender(), attempts, &said("no"), random) > Duration::ZERO);
            prop_assert_eq!(config.expires(&sender(), Timestamp(1)), Timestamp(i64::MAX));
        }
    }
}
