//! How names are compared. The one place that knows.

use std::borrow::Cow;

use mailwright_core::Address;
use unicode_normalization::UnicodeNormalization;

/// A local part as it is compared for local accounts: in lower case, and composed (RFC 8265 §3.3).
pub fn fold_local(local: &str) -> String {
    if local.is_ascii() { local.to_ascii_lowercase() } else { local.to_lowercase().nfc().collect() }
}

/// A login as it is compared.
pub fn fold_login(login: &str) -> String {
    fold_local(login)
}

/// A local address as it is compared: the local part folded, the domain in its ASCII form.
pub fn fold_address(address: &Address) -> String {
    format!("{}@{}", fold_local(address.local()), ascii_domain(address.domain()).unwrap_or_default())
}

/// The domain as it is looked up and stored: in lower case, of an internationalised one the A-labels (RFC 5890
/// §2.3.2.1). `None` if it is no domain.
pub fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if domain.is_ascii() {
        return Some(Cow::Borrowed(domain));
    }
    idna::domain_to_ascii(domain).ok().filter(|ascii| !ascii.is_empty()).map(Cow::Owned)
}

/// The address with its domain in ASCII form, and the local part as it was given: how it is kept, and sent on. `None` if
/// its domain is none.
///
/// ```
/// use mailwright_store::canonical;
///
/// let address = canonical(&"Grå@Bücher.example".parse()?);
/// assert_eq!(address.unwrap().to_string(), "Grå@xn--bcher-kva.example");
/// # Ok::<_, mailwright_core::InvalidAddress>(())
/// ```
pub fn canonical(address: &Address) -> Option<Address> {
    match ascii_domain(address.domain())? {
        Cow::Borrowed(_) => Some(address.clone()),
        Cow::Owned(domain) => with_local(address.local(), &domain),
    }
}

fn with_local(local: &str, domain: &str) -> Option<Address> {
    let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{quoted}\"@{domain}").parse().ok()
}

/// `ann+news` at `+` is `ann`, and `news` the detail. A separator in front separates nothing.
pub(super) fn split_detail(address: &Address, separator: char) -> Option<(Address, String)> {
    let (local, detail) = address.local().split_once(separator).filter(|(local, _)| !local.is_empty())?;
    Some((with_local(local, address.domain())?, detail.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_beyond_ascii_are_compared_as_people_would() {
        let folded = |text: &str| fold_address(&text.parse().unwrap());
        assert_eq!(folded("GRÅ@BÜCHER.example"), "grå@xn--bcher-kva.example");
        assert_eq!(folded("gra\u{30a}@xn--bcher-kva.example"), folded("grå@bu\u{308}cher.EXAMPLE"));
        assert_eq!(folded("用户@例子.example"), "用户@xn--fsqu00a.example");
        assert_ne!(folded("gra@bucher.example"), folded("grå@bücher.example"));
        // What is no domain is nobody's: the separator of labels in another script is one, a blank is not.
        assert_eq!(folded("a@b\u{3002}example"), "a@b.example");
        assert_eq!(canonical(&"a@b\u{a0}c.example".parse().unwrap()), None);
        assert_eq!(canonical(&"a@xn--\u{fc}.example".parse().unwrap()), None);
    }

    #[test]
    fn details_are_split_off() {
        let split = |text: &str| {
            let address: Address = text.parse().unwrap();
            split_detail(&address, '+').map(|(address, detail)| (address.to_string(), detail))
        };
        assert_eq!(split("Ann+news+x@a.example"), Some(("Ann@a.example".into(), "news+x".into())));
        assert_eq!(split("\"a \\\"b+\"@a.example"), Some(("\"a \\\"b\"@a.example".into(), String::new())));
        assert_eq!((split("ann@a.example"), split("+ann@a.example")), (None, None));
    }
}
