//! How values become octets: in the rows of a backend's tables, and in its log.
//!
//! The octets of a key sort as the key does, so that a table of octets can be searched by ranges of keys.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::num::NonZeroU32;

use bytes::Bytes;

/// A value that can be written as octets and read back.
///
/// For types that are [`Ord`] the order of the octets is that of the values, whatever follows them.
pub trait Field: Sized {
    /// Appends its octets.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads it from the front of `input`, which then begins behind it. `None` if there is none.
    fn take(input: &mut &[u8]) -> Option<Self>;

    /// Its octets.
    fn to_octets(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.put(&mut out);
        out
    }

    /// From octets that are nothing else.
    fn from_octets(mut octets: &[u8]) -> Option<Self> {
        let value = Self::take(&mut octets)?;
        octets.is_empty().then_some(value)
    }
}

/// The first `count` octets.
pub(super) fn take_octets<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

macro_rules! unsigned {
    ($($of:ty),*) => {$(
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                take_octets(input, size_of::<Self>())?.try_into().ok().map(Self::from_be_bytes)
            }
        }
    )*};
}

unsigned!(u8, u16, u32, u64);

/// With the sign bit turned, so that negative ones come first.
macro_rules! signed {
    ($($of:ty as $unsigned:ty),*) => {$(
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                (self.cast_unsigned() ^ Self::MIN.cast_unsigned()).put(out);
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                <$unsigned>::take(input).map(|raw| (raw ^ Self::MIN.cast_unsigned()).cast_signed())
            }
        }
    )*};
}

signed!(i8 as u8, i16 as u16, i64 as u64);

impl Field for usize {
    fn put(&self, out: &mut Vec<u8>) {
        // Never more than 64 bits on anything that runs this.
        (*self as u64).put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        u64::take(input)?.try_into().ok()
    }
}

impl Field for NonZeroU32 {
    fn put(&self, out: &mut Vec<u8>) {
        self.get().put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        u32::take(input).and_then(Self::new)
    }
}

impl Field for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        u8::from(*self).put(out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        match u8::take(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<const N: usize> Field for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        take_octets(input, N)?.try_into().ok()
    }
}

/// Text ends with a zero octet, and a zero in it is followed by 0xFF: so the shorter of two texts that begin alike
/// comes first, whatever follows it in a key.
pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    for octet in text.bytes() {
        out.push(octet);
        if octet == 0 {
            out.push(0xFF);
        }
    }
    out.extend_from_slice(&[0, 0]);
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            match u8::take(input)? {
                0 => match u8::take(input)? {
                    0 => return Self::from_utf8(text).ok(),
                    0xFF => text.push(0),
                    _ => return None,
                },
                octet => text.push(octet),
            }
        }
    }
}

impl Field for Cow<'static, str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        String::take(input).map(Cow::Owned)
    }
}

/// Octets have no order here: their length comes first.
impl Field for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        out.extend_from_slice(self);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let length = usize::take(input)?;
        take_octets(input, length).map(Self::copy_from_slice)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        if bool::take(input)? { T::take(input).map(Some) } else { Some(None) }
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let count = usize::take(input)?;
        // Whatever the count says: what follows is what there is.
        (0..count).map(|_| T::take(input)).collect()
    }
}

impl<T: Field> Field for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        T::take(input).map(Self::new)
    }
}

/// Its octets are turned, and so is their order. Only for what has always as many octets.
impl<T: Field> Field for Reverse<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.0.to_octets().into_iter().map(|octet| !octet));
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let turned: Vec<u8> = input.iter().take(size_of::<T>()).map(|octet| !octet).collect();
        let mut rest = &turned[..];
        let value = T::take(&mut rest)?;
        take_octets(input, turned.len() - rest.len())?;
        Some(Self(value))
    }
}

macro_rules! tuples {
    ($(($($name:ident)+)),*) => {$(
        impl<$($name: Field),+> Field for ($($name,)+) {
            fn put(&self, out: &mut Vec<u8>) {
                #[expect(non_snake_case, reason = "a name for each part")]
                let ($($name,)+) = self;
                $($name.put(out);)+
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                Some(($($name::take(input)?,)+))
            }
        }
    )*};
}

tuples!((A B), (A B C), (A B C D));

/// [`Field`] for a struct, by the names of its fields.
macro_rules! record {
    ($of:ty { $($field:ident),* $(,)? }) => {
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                $(let $field = Field::take(input)?;)*
                Some(Self { $($field),* })
            }
        }
    };
}

/// [`Field`] for an enum: a number for each variant, then what it holds. The numbers are the format: they stay, and
/// ascend as the variants do.
macro_rules! variants {
    ($of:ty { $($tag:literal => $variant:ident $(($($part:ident),*))? $({$($field:ident),*})?),* $(,)? }) => {
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        out.push($tag);
                        $($($part.put(out);)*)?
                        $($($field.put(out);)*)?
                    })*
                }
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                match u8::take(input)? {
                    $($tag => {
                        $($(let $part = Field::take(input)?;)*)?
                        $($(let $field = Field::take(input)?;)*)?
                        Some(Self::$variant $(($($part),*))? $({$($field),*})?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

/// [`Field`] for what is shown and parsed.
macro_rules! as_text {
    ($($of:ty),*) => {$(
        impl Field for $of {
            fn put(&self, out: &mut Vec<u8>) {
                self.to_string().put(out);
            }

            fn take(input: &mut &[u8]) -> Option<Self> {
                String::take(input)?.parse().ok()
            }
        }
    )*};
}

pub(super) use {as_text, record, variants};
