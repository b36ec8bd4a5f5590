use std::str;

use mailwright_core::{Address, Domain, ForwardPath, ReversePath};

/// Addresses, domains and paths: what is read is written as something that reads as the same.
pub fn address(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        if let Ok(address) = text.parse::<Address>() {
            check(&address);
        }
        if let Ok(domain) = text.parse::<Domain>() {
            assert!(domain.as_str().len() <= 255 && !domain.as_str().bytes().any(|b| b.is_ascii_uppercase()));
            assert_eq!(domain.to_string().parse(), Ok(domain));
        }
    }
    if let Ok((path, rest)) = ReversePath::take(data) {
        assert!(data.ends_with(rest) && rest.len() < data.len());
        path.address().inspect(|address| check(address));
        let text = path.to_string();
        assert_eq!(ReversePath::take(text.as_bytes()), Ok((path, &[][..])));
    }
    if let Ok((path, rest)) = ForwardPath::take(data) {
        assert!(data.ends_with(rest) && rest.len() < data.len());
        path.address().inspect(|address| check(address));
        let text = path.to_string();
        assert_eq!(ForwardPath::take(text.as_bytes()), Ok((path, &[][..])));
    }
}

fn check(address: &Address) {
    let text = address.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(text.is_ascii(), address.is_ascii());
    assert!(!address.domain().bytes().any(|byte| byte.is_ascii_uppercase()));
    assert!((1..=64).contains(&address.local().len()) && (1..=255).contains(&address.domain().len()));
    assert_eq!(text.parse::<Address>().as_ref(), Ok(address));
}
