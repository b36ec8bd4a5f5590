//! Words that are in most messages, and are kept as numbers.

/// Part of the format: it may be added to at its end, and nothing else, as long as the version stays.
const WORDS: &[&[u8]] = &[
    b"text",
    b"plain",
    b"html",
    b"charset",
    b"us-ascii",
    b"US-ASCII",
    b"utf-8",
    b"UTF-8",
    b"iso-8859-1",
    b"ISO-8859-1",
    b"windows-1252",
    b"7BIT",
    b"7bit",
    b"8BIT",
    b"8bit",
    b"quoted-printable",
    b"QUOTED-PRINTABLE",
    b"base64",
    b"BASE64",
    b"binary",
    b"mixed",
    b"alternative",
    b"related",
    b"signed",
    b"report",
    b"digest",
    b"form-data",
    b"boundary",
    b"type",
    b"format",
    b"flowed",
    b"delsp",
    b"yes",
    b"no",
    b"name",
    b"filename",
    b"name*",
    b"filename*",
    b"inline",
    b"attachment",
    b"size",
    b"creation-date",
    b"modification-date",
    b"application",
    b"octet-stream",
    b"pdf",
    b"pgp-signature",
    b"pkcs7-signature",
    b"x-pkcs7-signature",
    b"pkcs7-mime",
    b"zip",
    b"msword",
    b"json",
    b"xml",
    b"vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"vnd.openxmlformats-officedocument.presentationml.presentation",
    b"image",
    b"png",
    b"jpeg",
    b"gif",
    b"svg+xml",
    b"webp",
    b"audio",
    b"video",
    b"mpeg",
    b"mp4",
    b"message",
    b"rfc822",
    b"global",
    b"delivery-status",
    b"disposition-notification",
    b"report-type",
    b"feedback-report",
    b"rfc822-headers",
    b"text/rfc822-headers",
    b"text/html",
    b"text/plain",
    b"multipart/alternative",
    b"protocol",
    b"micalg",
    b"pgp-sha256",
    b"pgp-sha512",
    b"sha-256",
    b"sha-512",
    b"application/pgp-signature",
    b"application/pkcs7-signature",
    b"calendar",
    b"csv",
    b"css",
    b"method",
    b"REQUEST",
    b"reply-type",
    b"original",
    b"x-unix-mode",
    b"charset*",
    b"start",
    b"differences",
    b"access-type",
    b"en",
    b"en-US",
    b"de",
    b"zh-CN",
];

/// The number of a word, if it has one.
pub(crate) fn number(word: &[u8]) -> Option<u64> {
    let at = WORDS.iter().position(|known| *known == word)?;
    u64::try_from(at).ok()
}

/// The word of a number.
pub(crate) fn word(number: u64) -> Option<&'static [u8]> {
    WORDS.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_one_number() {
        for (at, known) in WORDS.iter().enumerate() {
            assert_eq!(number(known), Some(at as u64), "{}", known.escape_ascii());
            assert_eq!(word(at as u64), Some(*known));
        }
        assert_eq!((number(b"TEXT"), word(WORDS.len() as u64)), (None, None));
    }
}
