//! Whatever a server says, an attempt ends, and each recipient has one outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mailwright_core::testing::Budget;
use mailwright_delivery::outbound::{Protocol, Relay, RelayHost, Route, TlsPolicy, Way};
use mailwright_queue::{Attempt, RecipientOutcome};
use mailwright_tokio::Io;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;

use crate::net::Site;
use crate::world::{World, seconds};

/// What a server says when something has come, whatever it was.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        4 => Just(250),
        2 => Just(354),
        1 => Just(220),
        1 => Just(334),
        1 => prop::sample::select(vec![221, 235, 421, 450, 451, 500, 503, 550, 552]),
        1 => 0..1000_u32,
    ];
    let offers = prop::sample::select(vec![
        "",
        "PIPELINING",
        "CHUNKING",
        "DSN",
        "SIZE 1",
        "AUTH PLAIN",
        "LIMITS MAILMAX=1",
    ]);
    let reply = (code, prop::collection::vec(offers, 0..4)).prop_map(|(code, offers)| {
        let lines = offers.iter().map(|offer| format!("{code}-{offer}\r\n"));
        lines.chain([format!("{code} x\r\n")]).collect::<String>().into_bytes()
    });
    prop_oneof![20 => reply, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

/// Says `words` one by one, each when something has come; then closes, or is silent. Sees whether it had a content.
async fn speak(mut io: Box<dyn Io>, words: Vec<Vec<u8>>, closes: bool, had_content: Arc<AtomicBool>) {
    let mut heard = Vec::new();
    for word in words {
        if io.write_all(&word).await.is_err() {
            return;
        }
        let mut buffer = [0; 4096];
        match io.read(&mut buffer).await {
            Ok(count) if count > 0 => heard.extend_from_slice(&buffer[..count]),
            _ => return,
        }
        let has_end = heard.ends_with(b"\r\n.\r\n") || heard.windows(5).any(|window| window == b" LAST");
        had_content.fetch_or(has_end, Ordering::SeqCst);
    }
    if !closes {
        std::future::pending::<()>().await;
    }
}

mailwright_core::properties! {
    #![budget(Budget::new().floor(100).seconds(1).long(5_000))]

    #[test]
    fn an_attempt_ends_with_one_outcome_each(
        words in prop::collection::vec(words(), 0..12),
        closes in any::<bool>(),
        lmtp in any::<bool>(),
    ) {
        let had_content = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&had_content);
        let site = Site::Custom(Arc::new(move |io| {
            tokio::spawn(speak(io, words.clone(), closes, Arc::clone(&seen)));
        }));
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (took, delivery) = runtime.block_on(async {
            let mut world = World::with(site);
            let protocol = if lmtp { Protocol::Lmtp } else { Protocol::Smtp };
            let host = RelayHost::at([192, 0, 2, 1].into(), 25);
            let relay = Relay { protocol, tls: TlsPolicy::Never, ..Relay::new(host) };
            world.config.routes = vec![Route::new("*".parse().unwrap(), Way::Relay(relay))];
            world.config.deadline = Duration::from_secs(1000);
            seconds(world.deliver(&["bob@example.net", "eve@example.net"])).await
        });
        prop_assert!(took <= 1010);
        let Attempt::Tried { outcomes, .. } = delivery.attempt else { panic!("it was tried") };
        prop_assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            let is_taken = matches!(outcome, RecipientOutcome::Relayed { .. } | RecipientOutcome::Delivered(_));
            prop_assert!(!is_taken || had_content.load(Ordering::SeqCst), "{:?}", outcome);
        }
    }
}
