//! How names are compared. The one place that knows: NFC and full case folding come in here.

use mailwright_core::Address;

/// A local part as it is compared for local accounts: for now in ASCII lower case.
pub fn fold_local(local: &str) -> String {
    local.to_ascii_lowercase()
}

/// A login as it is compared.
pub fn fold_login(login: &str) -> String {
    fold_local(login)
}

/// A local address as it is compared. Its domain is in lower case already.
pub fn fold_address(address: &Address) -> String {
    format!("{}@{}", fold_local(address.local()), address.domain())
}

/// `ann+news` at `+` is `ann`, and `news` the detail. A separator in front separates nothing.
pub(super) fn split_detail(address: &Address, separator: char) -> Option<(Address, String)> {
    let (local, detail) = address.local().split_once(separator).filter(|(local, _)| !local.is_empty())?;
    let quoted = local.replace('\\', "\\\\").replace('"', "\\\"");
    let stripped = format!("\"{quoted}\"@{}", address.domain()).parse().ok()?;
    Some((stripped, detail.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
