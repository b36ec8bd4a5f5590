//! What one evaluation of Argon2 costs, and what it may cost.

use argon2::Params;

use crate::error::CostError;

/// What a cost may be. A stored hash names its own cost, so whoever can write one decides what each login
/// takes; these bound it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostLimits {
    /// Memory of one evaluation, in KiB. Each check under way holds this much. Default 262,144 (256 MiB).
    pub memory_kib_max: u32,
    /// Passes over the memory. Default 16.
    pub passes_max: u32,
    /// Lanes. They are computed one after the other, so they cost nothing more. Default 16.
    pub lanes_max: u32,
    /// Memory times passes, in KiB: the time of one evaluation, some 1 to 2 GiB a second on one core.
    /// Default 1,048,576 (1 GiB).
    pub work_kib_max: u32,
}

impl Default for CostLimits {
    fn default() -> Self {
        Self { memory_kib_max: 256 << 10, passes_max: 16, lanes_max: 16, work_kib_max: 1 << 20 }
    }
}

/// The cost of one evaluation of argon2id (RFC 9106 §3.1), within Argon2's bounds and ours.
///
/// Default: 19 MiB, 2 passes, 1 lane, the first of OWASP's recommendations for password storage; some 30 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// A cost within the default [`CostLimits`].
    ///
    /// # Errors
    /// [`CostError`] if it is below Argon2's bounds or above the limits.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        Self::new_within(memory_kib, passes, lanes, &CostLimits::default())
    }

    /// A cost within other limits. Its verifiers are read again only within these
    /// ([`Verifier::parse_within`](crate::Verifier::parse_within)).
    ///
    /// # Errors
    /// As [`Cost::new`].
    pub fn new_within(
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        limits: &CostLimits,
    ) -> Result<Self, CostError> {
        if memory_kib > limits.memory_kib_max {
            return Err(CostError::Memory(limits.memory_kib_max));
        }
        if passes > limits.passes_max {
            return Err(CostError::Passes(limits.passes_max));
        }
        // Argon2's own maximum counts too, so that 8 KiB a lane do not overflow.
        if lanes > limits.lanes_max.min(Params::MAX_P_COST) {
            return Err(CostError::Lanes(limits.lanes_max.min(Params::MAX_P_COST)));
        }
        if u64::from(memory_kib) * u64::from(passes) > u64::from(limits.work_kib_max) {
            return Err(CostError::Work(limits.work_kib_max));
        }
        let cost = Self { memory_kib, passes, lanes };
        cost.params(Params::DEFAULT_OUTPUT_LEN).map_or(Err(CostError::TooSmall), |_| Ok(cost))
    }

    /// Memory, in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    pub fn lanes(self) -> u32 {
        self.lanes
    }

    /// Argon2's own form, for a hash of `octets`.
    pub(super) fn params(self, octets: usize) -> Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(octets))
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: 19 << 10, passes: 2, lanes: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_within_its_bounds() {
        let limits = CostLimits::default();
        let default = Cost::default();
        assert_eq!(Cost::new(default.memory_kib, default.passes, default.lanes), Ok(default));
        for (memory, passes, lanes, error) in [
            (7, 1, 1, CostError::TooSmall),
            (31, 1, 4, CostError::TooSmall),
            (64, 0, 1, CostError::TooSmall),
            (64, 1, 0, CostError::TooSmall),
            (limits.memory_kib_max + 1, 1, 1, CostError::Memory(limits.memory_kib_max)),
            (u32::MAX, u32::MAX, u32::MAX, CostError::Memory(limits.memory_kib_max)),
            (64, limits.passes_max + 1, 1, CostError::Passes(limits.passes_max)),
            (1024, 1, limits.lanes_max + 1, CostError::Lanes(limits.lanes_max)),
            (limits.memory_kib_max, 5, 1, CostError::Work(limits.work_kib_max)),
        ] {
            assert_eq!(Cost::new(memory, passes, lanes), Err(error), "m={memory},t={passes},p={lanes}");
        }
        for (memory, passes, lanes) in
            [(8, 1, 1), (32, 1, 4), (limits.memory_kib_max, 4, 1), (1024, 16, 16), (65536, 16, 1)]
        {
            assert!(Cost::new(memory, passes, lanes).is_ok(), "m={memory},t={passes},p={lanes}");
        }
    }

    #[test]
    fn no_limits_are_still_those_of_argon2() {
        let none = CostLimits {
            memory_kib_max: u32::MAX,
            passes_max: u32::MAX,
            lanes_max: u32::MAX,
            work_kib_max: u32::MAX,
        };
        assert_eq!(Cost::new_within(8, 1, u32::MAX, &none), Err(CostError::Lanes(0xff_ffff)));
        assert_eq!(Cost::new_within(8, 1, 0xff_ffff, &none), Err(CostError::TooSmall));
        assert_eq!(Cost::new_within(u32::MAX, 2, 1, &none), Err(CostError::Work(u32::MAX)));
        assert!(Cost::new_within(u32::MAX, 1, 1, &none).is_ok(), "a number only: nothing is allocated yet");
    }
}
