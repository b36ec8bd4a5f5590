//! Mail that solicits what is not wanted here (RFC 3865).

use std::ops::Range;

use mailwright_core::BlobId;
use mailwright_message::filter_header;
use mailwright_smtp::{Rejection, Solicitation};
use mailwright_store::Store;
use mailwright_tokio::smtp::Verdict;

/// The field that says the same as the parameter of MAIL.
const FIELD: &str = "Solicitation";

/// Whether a message that says so is taken.
pub(crate) fn check(unwanted: &Solicitation, said: &Solicitation) -> Verdict {
    let is_unwanted = |class: &&str| unwanted.keywords().any(|unwanted| unwanted.eq_ignore_ascii_case(class));
    match said.keywords().find(is_unwanted) {
        // RFC 3865 §2.4: the reply names the class.
        Some(class) => Err(Rejection::new(550, (5, 7, 1), format!("not wanted here: SOLICIT={class}"))?),
        None => Ok(()),
    }
}

/// Octets of a header that are looked at: as many as a scan has room for.
const HEADER_MAX: u64 = 512 << 10;

/// Whether a message with this header is taken: who passes it on need not know of the parameter (RFC 3865 §2.4).
pub(crate) async fn check_header(
    store: &impl Store,
    blob: BlobId,
    header: Range<u64>,
    unwanted: &Solicitation,
) -> Verdict {
    let header = header.start..header.end.min(header.start + HEADER_MAX);
    let header = store.read_blobs(&[(blob, header)]).await.pop().transpose()?.unwrap_or_default();
    let fields = filter_header(&header, &[FIELD], false);
    // RFC 5322 §2.2.3
    let fields = std::str::from_utf8(&fields).unwrap_or_default().replace("\r\n ", "").replace("\r\n\t", "");
    let values = fields.lines().filter_map(|field| field.split_once(':'));
    // One by one: what is no class hides none.
    let classes = values.flat_map(|(_, value)| value.split(',')).map(str::trim);
    classes.filter_map(Solicitation::new).try_for_each(|said| check(unwanted, &said))
}
