//! What the queue keeps in the store comes back, and damage is an error.

use bytes::Bytes;
use mailwright_core::{EnhancedCode, ReplyCode, ReversePath, Timestamp};
use mailwright_queue::{
    AttemptStage, Body, DecodeError, DeliverBy, Diagnostic, Envelope, EnvelopeId, FutureRelease, Late,
    Notify, OriginalAddress, RecipientState, ReleaseMoment, ReleaseRequest, Ret, Solicitation, ValidSince,
};
use mailwright_store::{Opaque, Priority};
use proptest::prelude::*;

use crate::fixture::address;

fn envelopes() -> impl Strategy<Value = Envelope> {
    let body = prop::sample::select(vec![Body::SevenBit, Body::EightBitMime, Body::BinaryMime]);
    let ret = prop::option::of(prop::sample::select(vec![Ret::Full, Ret::Headers]));
    let envid = prop::option::of("([!-*,-<>-~]|\\+2[0-9A-F]){0,30}");
    let priority = prop::option::of(-9..=9i8);
    let late = prop::sample::select(vec![Late::Return, Late::Notify]);
    let by = (any::<i64>(), late, any::<bool>());
    let by = prop::option::of(by.prop_map(|(at, late, trace)| DeliverBy { at: Timestamp(at), late, trace }));
    let held = prop::option::of(
        (any::<i64>(), requests()).prop_map(|(at, request)| FutureRelease { at: Timestamp(at), request }),
    );
    let auth = prop::option::of(prop_oneof![
        Just(ReversePath::Null),
        "[a-z \"]{1,5}".prop_map(|local| {
            let quoted = format!("\"{}\"@a.example", local.replace('"', "\\\""));
            ReversePath::Address(quoted.parse().unwrap())
        }),
    ]);
    let solicit = prop::option::of("[a-z]{1,5}:ADV(,[a-z.:]{1,9})?");
    let rest = (by, held, auth, solicit);
    (any::<i64>(), body, any::<[bool; 2]>(), ret, envid, priority, rest, any::<[u64; 2]>()).prop_map(
        |(arrived, body, [smtputf8, require_tls], ret, envid, priority, rest, [begin, header])| {
            let (by, held, auth, solicit) = rest;
            Envelope {
                arrived: Timestamp(arrived),
                body,
                smtputf8,
                require_tls,
                ret,
                envid: envid.map(|id| EnvelopeId::from_xtext(&id).unwrap()),
                priority: priority.and_then(Priority::new),
                by,
                future_release: held,
                auth,
                solicit: solicit.map(|classes| Solicitation::from_solicit(&classes).unwrap()),
                begin,
                header,
            }
        },
    )
}

fn requests() -> impl Strategy<Value = ReleaseRequest> {
    let moment = "2026-11-2[0-9]T08:00:00(Z|\\+05:30)";
    let until = moment.prop_map(|text| ReleaseRequest::Until(ReleaseMoment::from_parameter(&text).unwrap()));
    prop_oneof![any::<u32>().prop_map(ReleaseRequest::For), until]
}

fn notifies() -> impl Strategy<Value = Notify> {
    let on = |[success, failure, delay]: [bool; 3]| Notify::On { success, failure, delay };
    prop_oneof![Just(Notify::Never), any::<[bool; 3]>().prop_map(on)]
}

fn diagnostics() -> impl Strategy<Value = Diagnostic> {
    use AttemptStage::{Auth, Body, Connect, Data, End, Greeting, Hello, Mail, Rcpt, Route, Tls};
    let stages = vec![Route, Connect, Greeting, Hello, Tls, Auth, Mail, Rcpt, Data, Body, End];
    let code = prop::option::of(200..600u16);
    let enhanced = prop::option::of((prop::sample::select(vec![2u8, 4, 5]), 0..1000u16, 0..1000u16));
    let remote = prop::option::of("\\PC{0,20}");
    (any::<i64>(), prop::sample::select(stages), code, enhanced, "(\\PC|\\n){0,40}", remote).prop_map(
        |(at, stage, code, enhanced, text, remote)| Diagnostic {
            at: Timestamp(at),
            stage,
            code: code.and_then(ReplyCode::new),
            enhanced: enhanced.and_then(|(class, subject, detail)| EnhancedCode::new(class, subject, detail)),
            text,
            remote,
        },
    )
}

fn states() -> impl Strategy<Value = RecipientState> {
    let orcpt = prop::option::of("(rfc822|x-none|a1);([!-*,-<>-~]|\\+2[0-9A-F]){0,30}");
    let last = prop::option::of(diagnostics());
    let since = prop::option::of("2026-11-23T08:0[0-9]:00Z(;[RC])?");
    let all = (prop::option::of(notifies()), orcpt, since, any::<bool>(), last);
    all.prop_map(|(notify, orcpt, since, warned, last)| {
        let orcpt = orcpt.map(|orcpt| OriginalAddress::from_orcpt(&orcpt).unwrap());
        let valid_since = since.map(|since| ValidSince::from_rrvs(&since).unwrap());
        RecipientState { notify, orcpt, valid_since, warned, last }
    })
}

mailwright_core::properties! {
    #[test]
    fn an_envelope_comes_back(envelope in envelopes()) {
        let kept = envelope.encode();
        prop_assert_eq!(Envelope::decode(&kept), Ok(envelope));
        for end in 0..kept.bytes.len() {
            let cut = Opaque { bytes: kept.bytes.slice(..end), ..kept };
            prop_assert_eq!(Envelope::decode(&cut), Err(DecodeError::Damaged));
        }
    }

    #[test]
    fn what_is_known_of_a_recipient_comes_back(state in states()) {
        let kept = state.encode();
        prop_assert_eq!(RecipientState::decode(&kept), Ok(state));
        for end in 0..kept.bytes.len() {
            let cut = Opaque { bytes: kept.bytes.slice(..end), ..kept };
            prop_assert_eq!(RecipientState::decode(&cut), Err(DecodeError::Damaged));
        }
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(prop_oneof![any::<u8>(), 0..3u8], 0..60), version in 0..4u16) {
        let kept = Opaque { version, bytes: Bytes::from(octets) };
        if let Ok(envelope) = Envelope::decode(&kept) {
            prop_assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
        }
        if let Ok(state) = RecipientState::decode(&kept) {
            prop_assert_eq!(RecipientState::decode(&state.encode()), Ok(state));
        }
    }
}

/// The last octets say that there is no SOLICIT, AUTH, FUTURERELEASE, BY, RRVS: what earlier versions did not say at all.
#[test]
fn what_was_kept_by_earlier_versions_is_read() {
    let of = |version, kept: Opaque, without| Opaque {
        version,
        bytes: kept.bytes.slice(..kept.bytes.len() - without),
    };
    let plain = Envelope { smtputf8: true, header: 300, ..Envelope::new(Timestamp(5)) };
    let by = Some(DeliverBy { at: Timestamp(9), late: Late::Return, trace: true });
    for (version, without, envelope) in [(1, 4, plain.clone()), (2, 3, Envelope { by, ..plain.clone() })] {
        let kept = of(version, envelope.encode(), without);
        assert_eq!(Envelope::decode(&kept), Ok(envelope), "version {version}");
        let mixed = of(version, plain.encode(), 0);
        assert_eq!(Envelope::decode(&mixed), Err(DecodeError::Damaged), "version {version}");
    }
    let state = RecipientState { notify: Some(Notify::Never), ..RecipientState::default() };
    assert_eq!(RecipientState::decode(&of(1, state.encode(), 1)), Ok(state.clone()));
    assert_eq!(RecipientState::decode(&of(1, state.encode(), 0)), Err(DecodeError::Damaged));
}

#[test]
fn another_version_is_told() {
    let kept = Opaque { version: 9, ..Envelope::default().encode() };
    assert_eq!(Envelope::decode(&kept), Err(DecodeError::Version(9)));
    assert_eq!(RecipientState::decode(&kept), Err(DecodeError::Version(9)));
    assert_eq!(RecipientState::decode(&Opaque::default()), Ok(RecipientState::default()), "never kept");
}

/// RFC 3461 §4.2, §4.4, RFC 6533 §3
#[test]
fn parameters_are_kept_as_they_were_and_told_decoded() {
    let long = "a".repeat(500);
    for (value, plain, utf8) in [
        ("rfc822;Bob@Dest.example", Some("Bob@Dest.example"), Some("Bob@Dest.example")),
        ("RFC822;e+3Dmc2@x", Some("e=mc2@x"), Some("e=mc2@x")),
        ("x400;+2FS+3Dbob", Some("/S=bob"), Some("/S=bob")),
        ("utf-8;j\\x{FC}rgen@x", Some("j\\x{FC}rgen@x"), Some("jürgen@x")),
        ("rfc822;a+0Ab", None, None),
        ("rfc822;a=b", None, None),
        ("rfc822;a b", None, None),
        ("rfc822", None, None),
        (";a", None, None),
        ("b c;a", None, None),
        (long.as_str(), None, None),
    ] {
        let orcpt = OriginalAddress::from_orcpt(value);
        assert_eq!(orcpt.as_ref().map(OriginalAddress::as_orcpt), plain.map(|_| value));
        assert_eq!(orcpt.as_ref().map(|orcpt| orcpt.reported(false).address).as_deref(), plain);
        assert_eq!(orcpt.map(|orcpt| orcpt.reported(true).address).as_deref(), utf8);
    }
    let orcpt = OriginalAddress::of(&address("\"a b\"@x")).unwrap();
    assert_eq!(orcpt.as_orcpt(), "rfc822;\"a+20b\"@x");
    let id = EnvelopeId::from_xtext("QQ+2B1").unwrap();
    assert_eq!((id.as_xtext(), id.decoded().as_str()), ("QQ+2B1", "QQ+1"));
    for value in ["", "a b", "a=b", "é", &long] {
        assert_eq!(ValidSince::from_rrvs(value), None, "{value}");
    }
    for value in ["", "a b", "a=b", "é", &long] {
        assert_eq!(ReleaseMoment::from_parameter(value), None, "{value}");
    }
    for value in ["a b", "a+0A", "a+", &long] {
        assert_eq!(EnvelopeId::from_xtext(value), None, "{value}");
    }
}
