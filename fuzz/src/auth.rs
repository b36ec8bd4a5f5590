use std::str;

use mailwright_auth::{Cost, CostLimits, Exchange, ExchangeLimits, Mechanism, Step, Verifier};

/// SASL exchanges. The first octet chooses mechanism and limits and whether there is an initial response;
/// 0xFF stands between responses.
pub fn auth_exchange(data: &[u8]) {
    let Some((&choice, responses)) = data.split_first() else { return };
    let mechanism = if choice & 1 == 0 { Mechanism::Plain } else { Mechanism::Login };
    let limits = if choice & 2 == 0 {
        ExchangeLimits::default()
    } else {
        ExchangeLimits { response_max: 40, name_max: 8, password_max: 16 }
    };
    let mut exchange = Exchange::start_within(mechanism, limits);
    let first = (choice & 4 != 0).then_some(None);
    let responses = responses.split(|&octet| octet == 0xFF).map(Some);
    let mut challenges = 0;
    let mut ended = false;
    for response in first.into_iter().chain(responses) {
        let step = exchange.step(response);
        assert!(!ended || matches!(step, Step::Failed(_)), "an exchange goes on after its end");
        match step {
            Step::Challenge(challenge) => {
                assert!(challenge.iter().all(|octet| matches!(octet, b' '..=b'~')));
                challenges += 1;
                assert!(challenges <= 2);
            }
            Step::Check(credentials) => {
                ended = true;
                let names = [Some(&credentials.user), credentials.authzid.as_ref()];
                for name in names.into_iter().flatten() {
                    assert!((1..=limits.name_max).contains(&name.len()) && !name.contains(char::is_control));
                }
                assert_ne!(credentials.authzid.as_ref(), Some(&credentials.user));
                let password = credentials.password.expose();
                assert!((1..=limits.password_max).contains(&password.len()) && !password.contains(&0));
                assert!(response.is_some_and(|sent| sent.ends_with(password)));
            }
            Step::Failed(_) => ended = true,
            step => panic!("another step: {step:?}"),
        }
    }
}

/// Stored passwords, whose parameters somebody may have made up: they are read without being computed.
///
/// The input is a text; or, behind an octet beyond ASCII, the three parameters of one.
pub fn auth_verifier(data: &[u8]) {
    let made_up;
    let text = match data {
        [128..=255, numbers @ ..] if numbers.len() >= 12 => {
            let number = |at: usize| {
                numbers
                    .iter()
                    .skip(at * 4)
                    .take(4)
                    .fold(0u64, |number, &octet| number << 8 | u64::from(octet))
            };
            made_up = format!(
                "$argon2id$v=19$m={},t={},p={}$c29tZXNhbHQ${}",
                number(0),
                number(1) % 100,
                number(2) % 100,
                "A".repeat(numbers.len())
            );
            &made_up
        }
        _ => match str::from_utf8(data) {
            Ok(text) => text,
            Err(_) => return,
        },
    };
    for limits in [CostLimits::default(), CostLimits { memory_kib_max: 1 << 30, ..CostLimits::default() }] {
        if let Ok(verifier) = Verifier::parse_within(text, &limits) {
            let cost = verifier.cost();
            assert!(cost.memory_kib() <= limits.memory_kib_max && cost.passes() <= limits.passes_max);
            let again = Cost::new_within(cost.memory_kib(), cost.passes(), cost.lanes(), &limits);
            assert_eq!(again, Ok(cost));
            assert_eq!(Verifier::parse_within(verifier.as_phc(), &limits).as_ref(), Ok(&verifier));
            assert!(!format!("{verifier:?}").contains('$'), "Debug shows the hash");
        }
    }
}
