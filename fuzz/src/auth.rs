use std::str;

use mailwright_auth::client::{self, ClientLimits};
use mailwright_auth::{
    Cost, CostLimits, Credentials, Exchange, ExchangeLimits, Mechanism, ScramHash, ScramKeys, Step, Token,
    TokenRefusal, Verifier,
};
use mailwright_core::TlsExporter;

/// SASL exchanges, the server's side and for SCRAM the client's too. The first octet chooses the mechanism, by 0x08 to
/// 0x40, and the limits and whether there is an initial response; 0xFF stands between responses.
pub fn auth_exchange(data: &[u8]) {
    let Some((&choice, responses)) = data.split_first() else { return };
    let mechanism = match (choice >> 3 & 0xF, choice & 1) {
        (0, 0) => Mechanism::Plain,
        (0, _) => Mechanism::Login,
        (other, _) => Mechanism::ALL.get(usize::from(other) % Mechanism::ALL.len()).copied().unwrap(),
    };
    let limits = if choice & 2 == 0 {
        ExchangeLimits::default()
    } else {
        ExchangeLimits { response_max: 40, name_max: 8, password_max: 16, token_max: 12, nonce_max: 6 }
    };
    let mut exchange = Exchange::start_within(mechanism, NONCE, limits);
    if choice & 0x80 != 0 {
        exchange = exchange.bound_to(TlsExporter::new([7; 32]));
    }
    let first = (choice & 4 != 0).then_some(None);
    let responses = responses.split(|&octet| octet == 0xFF).map(Some);
    let mut challenges = 0;
    let mut ended = false;
    for response in first.into_iter().chain(responses.clone()) {
        let step = exchange.step(response);
        assert!(!ended || matches!(step, Step::Failed(_)), "an exchange goes on after its end");
        let step = match step {
            Step::LookUp(wanted) => {
                is_name(&wanted.user, &limits);
                // Those that no password fits.
                exchange.keys(&[ScramKeys::decoy(wanted.hash, b"secret", &wanted.user, 4096)])
            }
            Step::Token(Token { user, token }) => {
                user.iter().for_each(|user| is_name(user, &limits));
                assert!((1..=limits.token_max).contains(&token.expose().len()));
                assert!(token.expose().iter().all(u8::is_ascii_graphic));
                exchange.refuse_token(&TokenRefusal::default())
            }
            other => other,
        };
        match step {
            Step::Challenge(challenge) => {
                assert!(challenge.iter().all(|octet| matches!(octet, b' '..=b'~')));
                challenges += 1;
                assert!(challenges <= 2);
            }
            Step::Check(credentials) => {
                ended = true;
                is_name(&credentials.user, &limits);
                credentials.authzid.iter().for_each(|name| is_name(name, &limits));
                assert_ne!(credentials.authzid.as_ref(), Some(&credentials.user));
                let password = credentials.password.expose();
                assert!((1..=limits.password_max).contains(&password.len()) && !password.contains(&0));
                assert!(response.is_some_and(|sent| sent.ends_with(password)));
            }
            Step::Proof(proof) => {
                ended = true;
                assert_eq!(proof.right, None, "somebody has shown a password that nobody has");
            }
            Step::External(authzid) => {
                ended = true;
                authzid.iter().for_each(|name| is_name(name, &limits));
            }
            Step::Failed(_) => ended = true,
            step => panic!("another step: {step:?}"),
        }
    }
    client(mechanism, responses.flatten());
}

const NONCE: [u8; 18] = [0; 18];

fn is_name(name: &str, limits: &ExchangeLimits) {
    assert!((1..=limits.name_max).contains(&name.len()) && !name.contains(char::is_control));
}

/// The same octets as challenges: a client is content with none of them, unless it has nothing to be shown.
fn client<'a>(mechanism: Mechanism, challenges: impl Iterator<Item = &'a [u8]>) {
    let (Mechanism::Scram(_) | Mechanism::ScramPlus(_)) = mechanism else { return };
    let given = Credentials { user: "tim".to_owned(), authzid: None, password: "tanstaaf".into() };
    let limits = ClientLimits { iterations_max: 64, ..ClientLimits::default() };
    let Ok(client) = client::Exchange::start_within(mechanism, given, NONCE, limits) else { return };
    let mut client = client.bound_to(TlsExporter::new([7; 32]));
    assert!(matches!(client.step(None), client::Step::Respond(_)));
    for challenge in challenges {
        let _ = client.step(Some(challenge));
    }
    assert!(client.finish().is_err(), "whoever knows no password has shown that it does");
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
            assert_eq!(Verifier::parse_within(verifier.as_text(), &limits).as_ref(), Ok(&verifier));
            assert!(!format!("{verifier:?}").contains('$'), "Debug shows the hash");
            for keys in ScramHash::ALL.iter().filter_map(|&hash| verifier.scram(hash)) {
                assert_eq!(ScramKeys::parse(&keys.to_text()).as_ref(), Ok(keys));
                assert!(keys.iterations() >= ScramKeys::ITERATIONS_MIN);
            }
        }
    }
}
