//! Numbers of which most are small, in no more octets than they need.

use super::field::Field;

/// Appends a number: seven bits an octet, the lowest first. The top bit of an octet says that another one follows.
pub(super) fn put(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7F {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads a number. `None` if there is none, or one of more than 64 bits.
pub(super) fn take(input: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let octet = u8::take(input)?;
        let bits = u64::from(octet & 0x7F);
        if bits > u64::MAX >> shift {
            return None;
        }
        number |= bits << shift;
        if octet < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Appends a number that may be negative: the sign is the lowest bit, so that small ones stay short.
pub(super) fn put_signed(number: i64, out: &mut Vec<u8>) {
    put((number << 1 ^ number >> 63).cast_unsigned(), out);
}

/// Reads a number that may be negative.
pub(super) fn take_signed(input: &mut &[u8]) -> Option<i64> {
    let number = take(input)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_numbers_are_short() {
        let octets = |number: i64| {
            let mut out = Vec::new();
            put_signed(number, &mut out);
            out
        };
        assert_eq!(octets(0), [0]);
        assert_eq!(octets(-1), [1]);
        assert_eq!(octets(63), [126]);
        assert_eq!(octets(64), [0x80, 1]);
        assert_eq!(octets(i64::MIN).len(), 10);
    }

    #[test]
    fn what_is_too_long_or_cut_is_refused() {
        assert_eq!(take(&mut &[0xFF; 9][..]), None, "cut");
        assert_eq!(take(&mut &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1][..]), Some(u64::MAX));
        assert_eq!(
            take(&mut &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2][..]),
            None,
            "65 bits"
        );
    }

    mailwright_core::properties! {
        #[test]
        fn what_is_written_is_read(number in any::<u64>(), shift in 0u32..64, then in any::<i64>()) {
            let (number, then_short) = (number >> shift, then >> shift);
            let mut out = Vec::new();
            put(number, &mut out);
            put_signed(then_short, &mut out);
            put_signed(then, &mut out);
            let mut input = &out[..];
            prop_assert_eq!(take(&mut input), Some(number));
            prop_assert_eq!(take_signed(&mut input), Some(then_short));
            prop_assert_eq!(take_signed(&mut input), Some(then));
            prop_assert!(input.is_empty());
        }
    }
}
