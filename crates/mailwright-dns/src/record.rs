//! What is asked, and what records say.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::name::Name;

/// The types of records that mail needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// IPv4 addresses (RFC 1035 §3.4.1).
    A,
    /// IPv6 addresses (RFC 3596).
    Aaaa,
    /// Mail exchangers (RFC 1035 §3.3.9).
    Mx,
    /// Text (RFC 1035 §3.3.14).
    Txt,
    /// Names of addresses (RFC 1035 §3.3.12).
    Ptr,
    /// Certificates of TLS servers (RFC 6698).
    Tlsa,
}

impl RecordType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::A, Self::Aaaa, Self::Mx, Self::Txt, Self::Ptr, Self::Tlsa];
}

/// As in master files: `AAAA`.
impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Txt => "TXT",
            Self::Ptr => "PTR",
            Self::Tlsa => "TLSA",
        })
    }
}

/// A name and the type of the records wanted there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Where.
    pub name: Name,
    /// What.
    pub record_type: RecordType,
}

impl Question {
    /// Both.
    pub fn new(name: Name, record_type: RecordType) -> Self {
        Self { name, record_type }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.record_type)
    }
}

/// A mail exchanger (RFC 1035 §3.3.9).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mx {
    /// Lower is preferred.
    pub preference: u16,
    /// The host; the root if there is none (RFC 7505).
    pub exchange: Name,
}

/// Text in one or more strings of at most 255 octets (RFC 1035 §3.3.14). Any octets: nobody has checked them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Txt {
    /// The strings, as they are cut.
    pub strings: Vec<Box<[u8]>>,
}

impl Txt {
    /// The strings in one piece, without anything between them, as SPF and DKIM read them (RFC 7208 §3.3,
    /// RFC 6376 §3.6.2.2).
    pub fn joined(&self) -> Vec<u8> {
        self.strings.concat()
    }
}

/// What the certificate of a TLS server must be (RFC 6698 §2.1). The numbers are those of the registries; what
/// they mean for mail stands in RFC 7672 §3.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tlsa {
    /// 2 is DANE-TA, 3 is DANE-EE.
    pub usage: u8,
    /// 0 is the whole certificate, 1 its public key.
    pub selector: u8,
    /// 0 is the data itself, 1 its SHA-256, 2 its SHA-512.
    pub matching: u8,
    /// The data to match.
    pub data: Box<[u8]>,
}

/// What one record says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordData {
    /// [`RecordType::A`]
    A(Ipv4Addr),
    /// [`RecordType::Aaaa`]
    Aaaa(Ipv6Addr),
    /// [`RecordType::Mx`]
    Mx(Mx),
    /// [`RecordType::Txt`]
    Txt(Txt),
    /// [`RecordType::Ptr`]
    Ptr(Name),
    /// [`RecordType::Tlsa`]
    Tlsa(Tlsa),
}

impl RecordData {
    /// Of which type it is.
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Mx(_) => RecordType::Mx,
            Self::Txt(_) => RecordType::Txt,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Tlsa(_) => RecordType::Tlsa,
        }
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn cost(&self) -> usize {
        let heap = match self {
            Self::A(_) | Self::Aaaa(_) => 0,
            Self::Mx(mx) => mx.exchange.as_str().len(),
            Self::Txt(txt) => txt.strings.iter().map(|string| size_of_val(string) + string.len()).sum(),
            Self::Ptr(name) => name.as_str().len(),
            Self::Tlsa(tlsa) => tlsa.data.len(),
        };
        size_of::<Self>() + heap
    }
}

/// What the records of one type are read as.
pub(crate) trait Typed: Sized + Send {
    const TYPE: RecordType;
    fn from_data(data: RecordData) -> Option<Self>;
}

macro_rules! typed {
    ($($variant:ident is $of:ty;)*) => {
        $(
            impl Typed for $of {
                const TYPE: RecordType = RecordType::$variant;

                fn from_data(data: RecordData) -> Option<Self> {
                    match data {
                        RecordData::$variant(value) => Some(value),
                        _ => None,
                    }
                }
            }
        )*
    };
}

typed! {
    Mx is Mx;
    Txt is Txt;
    Ptr is Name;
    Tlsa is Tlsa;
}
