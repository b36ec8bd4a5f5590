//! Verifiers against the reference implementation, and against whoever writes hostile ones.

#![expect(clippy::unwrap_used, reason = "that is how tests fail")]

use std::task::{Context, Poll, Waker};

use mailwright_auth::{
    Checked, Cost, CostError, CostLimits, Inline, Offload, PasswordCheck, Verifier, VerifierError,
};
use mailwright_core::Secret;
use proptest::prelude::*;

/// Cheap: these tests are about right and wrong.
fn cheap() -> Cost {
    Cost::new(16, 1, 1).unwrap()
}

fn check(verifier: &Verifier, password: &str) -> Checked {
    PasswordCheck::new([verifier], Secret::from(password), cheap()).run()
}

/// Password and PHC string, the latter by the reference implementation, libargon2 (its own test vectors, and
/// argon2-cffi 25.1.0 with `hash_secret(password, salt, passes, memory, lanes, 32, Type.ID)`).
const REFERENCE: &[(&str, &str)] = &[
    ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
    ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
    ("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"),
    // The default of argon2-cffi's PasswordHasher.
    (
        "correct horse battery staple",
        "$argon2id$v=19$m=65536,t=3,p=4$G516PzD8GV5QtNWuRp3s4Q$EbMOS5eERPGQDgqDGuerbai18tbAlQxcOPra/aZ1xyc",
    ),
];

/// "pässwörd" with the salt 0, 1, .. 15, by the same.
const OURS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$eCrffB233dgiuXE1iutaiZP35cfD78wj+xWofmbux/s";

#[test]
fn what_the_reference_implementation_wrote_is_read_and_verified() {
    for (password, phc) in REFERENCE {
        let verifier = Verifier::parse(phc).unwrap();
        assert_eq!(verifier.as_text(), *phc);
        assert_eq!(check(&verifier, password), Checked::Right(0), "{phc}");
        assert_eq!(check(&verifier, "Password"), Checked::Wrong, "{phc}");
        assert_eq!(check(&verifier, ""), Checked::Wrong, "{phc}");
    }
}

#[test]
fn what_is_written_is_what_the_reference_implementation_writes() {
    let salt = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let verifier = Verifier::hash("pässwörd".as_bytes(), salt, Cost::default()).unwrap();
    assert_eq!(verifier.as_text(), OURS);
    assert_eq!(verifier.cost(), Cost::default());
}

#[test]
fn hostile_and_foreign_text_is_refused() {
    use VerifierError::{Algorithm, Cost as Costs, Parameters, ShortHash, Syntax, Version};
    let limits = CostLimits::default();
    let (salt, hash) = ("c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
    let params = |text: &str| format!("$argon2id$v=19${text}${salt}${hash}");
    for (text, error) in [
        (params("m=4294967295,t=1,p=1"), Costs(CostError::Memory(limits.memory_kib_max))),
        (params("m=262145,t=1,p=1"), Costs(CostError::Memory(limits.memory_kib_max))),
        (params("m=8,t=4294967295,p=1"), Costs(CostError::Passes(limits.passes_max))),
        (params("m=256,t=2,p=4294967295"), Costs(CostError::Lanes(limits.lanes_max))),
        (params("m=256,t=2,p=16777215"), Costs(CostError::Lanes(limits.lanes_max))),
        (params("m=262144,t=16,p=1"), Costs(CostError::Work(limits.work_kib_max))),
        (params("m=0,t=0,p=0"), Costs(CostError::TooSmall)),
        (params("m=8,t=1,p=2"), Costs(CostError::TooSmall)),
        (params("m=4294967296,t=1,p=1"), Parameters),
        (params("m=-8,t=1,p=1"), Parameters),
        (params("m=0256,t=2,p=1"), Parameters),
        (params("m=256,t=2"), Parameters),
        (params("t=2,m=256,p=1"), Parameters),
        (params("m=256,t=2,p=1,m=4294967295"), Parameters),
        (params("m=256,m=4294967295,t=2,p=1"), Parameters),
        (params("m=256,t=2,p=1,keyid=Zm9v"), Parameters),
        (params("m=256,t=2,p=1,data=Zm9v"), Parameters),
        (params("m,t,p"), Syntax),
        (params("m=256,t=2,p="), Parameters),
        (format!("$argon2i$v=19$m=256,t=2,p=1${salt}${hash}"), Algorithm),
        (format!("$argon2d$v=19$m=256,t=2,p=1${salt}${hash}"), Algorithm),
        (format!("$scrypt$ln=17,r=8,p=1${salt}${hash}"), Algorithm),
        (format!("$argon2id$v=16$m=256,t=2,p=1${salt}${hash}"), Version),
        (format!("$argon2id$m=256,t=2,p=1${salt}${hash}"), Version),
        (format!("$argon2id$v=19$m=256,t=2,p=1${salt}"), Syntax),
        (format!("$argon2id$v=19$m=256,t=2,p=1${salt}${hash}$"), Syntax),
        (format!("$argon2id$v=19$m=256,t=2,p=1${salt}${hash}="), Syntax),
        (format!("$argon2id$v=19$m=256,t=2,p=1$c2FsdA${hash}"), Syntax),
        (format!("$argon2id$v=19$m=256,t=2,p=1${salt}$nf65EOgLrQMR/uIPnA4r"), ShortHash(16)),
        (format!("$argon2id$v=19$m=256,t=2,p=1${salt}${}", "A".repeat(100)), Syntax),
        (format!(" {}", params("m=256,t=2,p=1")), Algorithm),
        (format!("{}\n", params("m=256,t=2,p=1")), Syntax),
        (params(&"m=256,".repeat(1 << 16)), Syntax),
        ("$6$rounds=5000$saltsalt$x".into(), Algorithm),
        ("{PLAIN}secret".into(), Algorithm),
        ("$".into(), Algorithm),
        (String::new(), Algorithm),
    ] {
        let got = Verifier::parse(&text);
        assert_eq!(got.as_ref().err(), Some(&error), "{}", text.get(..80).unwrap_or(&text));
    }
}

#[test]
fn limits_are_the_callers() {
    let phc = REFERENCE[3].1;
    let less = CostLimits { memory_kib_max: 1024, ..CostLimits::default() };
    assert_eq!(Verifier::parse_within(phc, &less), Err(CostError::Memory(1024).into()));
    let more = CostLimits { memory_kib_max: 1 << 22, work_kib_max: 1 << 23, ..less };
    let large = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    assert!(Verifier::parse_within(large, &more).is_ok(), "a number only: nothing is allocated yet");
}

#[test]
fn any_of_several_passwords_is_right() {
    let main = Verifier::hash(b"main", [1; 16], cheap()).unwrap();
    let phone = main.sibling(b"phone").unwrap();
    let old = Verifier::hash(b"old", [2; 16], Cost::new(32, 2, 2).unwrap()).unwrap();
    let all = [old, main, phone];
    for (password, checked) in [
        ("old", Checked::Right(0)),
        ("main", Checked::Right(1)),
        ("phone", Checked::Right(2)),
        ("mainphone", Checked::Wrong),
    ] {
        assert_eq!(PasswordCheck::new(&all, password.into(), cheap()).run(), checked, "{password}");
    }
}

#[test]
fn nobody_has_no_password() {
    for password in ["", "password", "\0"] {
        assert_eq!(PasswordCheck::new(None, password.into(), cheap()).run(), Checked::Wrong);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let verifier = Verifier::parse(REFERENCE[0].1).unwrap();
    let shown = format!("{verifier:?} {:?}", PasswordCheck::new([&verifier], "hunter2".into(), cheap()));
    assert!(shown.contains("256") && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("nf65") && !shown.contains("c29t") && !shown.contains("157"), "{shown}");
}

#[test]
fn a_check_moves_to_another_thread_and_through_an_offload() {
    fn movable<T: Send + 'static>(_: &T) {}
    let verifier = Verifier::hash(b"a", [0; 16], cheap()).unwrap();
    let job = PasswordCheck::new(&Some(verifier), "a".into(), cheap());
    movable(&job);
    assert_eq!(job.memory_kib(), 16);
    let offload: Box<dyn Offload> = Box::new(Inline);
    let mut checking = offload.check(job);
    movable(&checking);
    let ready = checking.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(ready, Poll::Ready(Checked::Right(0)));
}

mailwright_core::properties! {
    /// Nothing panics; what is read is within the limits and is written as it was read.
    #[test]
    fn any_text(text in prop_oneof![
        any::<String>(),
        "\\$argon2id?\\$(v=1[69]\\$)?m=[0-9]{0,11},t=[0-9]{0,3},p=[0-9]{0,2}(,[a-z]=[0-9])?(\\$[a-zA-Z0-9+/=]{0,90}){0,3}",
        "\\$argon2id\\$v=19\\$m=[1-9][0-9]{2,5},t=[1-9],p=[1-4]\\$[a-zA-Z0-9+/]{15}[AQgw]\\$[a-zA-Z0-9+/]{43}",
    ]) {
        let limits = CostLimits::default();
        if let Ok(verifier) = Verifier::parse(&text) {
            prop_assert_eq!(verifier.as_text(), &text);
            let cost = verifier.cost();
            prop_assert!(cost.memory_kib() <= limits.memory_kib_max && cost.passes() <= limits.passes_max);
            prop_assert!(cost.memory_kib() * cost.passes() <= limits.work_kib_max);
        }
    }

    /// A password verifies against its own hash, read back, and no other does.
    #[test]
    fn round_trip(
        password in prop::collection::vec(any::<u8>(), 0..40),
        other in prop::collection::vec(any::<u8>(), 0..40),
        salt in any::<[u8; 16]>(),
    ) {
        let written = Verifier::hash(&password, salt, cheap()).unwrap();
        let read = Verifier::parse(written.as_text()).unwrap();
        prop_assert_eq!(&read, &written);
        let tried = PasswordCheck::new([&read], Secret::new(other.clone()), cheap()).run();
        prop_assert_eq!(tried.is_right(), other == password);
        prop_assert!(PasswordCheck::new([&read], Secret::new(password), cheap()).run().is_right());
    }
}
