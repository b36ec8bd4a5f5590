//! What a stranger learns of who is there by asking several times, in several ways.

use super::*;

/// The salt that is shown of a name to whoever does not know the password.
async fn salt(running: &Running, mechanism: Mechanism, name: &str) -> String {
    let said = log_in(running, &MANNERS[0], mechanism, credentials(name, "wrong")).await;
    told(&said).split_once(',').unwrap().0.to_owned()
}

/// A salt that is the same for both hashes would be that of a password: those that are made up are not.
#[tokio::test]
async fn each_hash_has_a_salt_of_its_own() {
    let running = serve(|server| server).await;
    for name in ["ann", "bob", "carol"] {
        let salts = [salt(&running, SHA_256, name).await, salt(&running, SHA_1, name).await];
        assert_ne!(salts[0], salts[1], "{name}");
    }
    running.shutdown().await;
}

/// Users are found by their address, however it is written.
#[tokio::test]
async fn a_name_is_one_however_it_is_written() {
    let domains = ["a.example", "xn--bcher-kva.example"].map(|domain| domain.parse().unwrap());
    let there = [user("bob@a.example", &[]), user("dan@bücher.example", &[])];
    let settings = Settings {
        scram: scram(ScramHash::ALL),
        users: there.into_iter().collect(),
        ..Settings::new(domains)
    };
    let lockout = mailwright_auth::LockoutLimits { failures: 100, ..Default::default() };
    let change =
        |server: Server| server.settings(settings).account("eve@bücher.example", "secret").lockout(lockout);
    let running = serve(change).await;
    for written in [
        // With keys, without, and not there.
        ["ann@a.example", "\"ann\"@a.example", "\"a\\nn\"@A.example"],
        ["bob@a.example", "\"bob\"@a.example", "\"b\\ob\"@A.example"],
        ["carol@a.example", "\"carol\"@a.example", "\"c\\arol\"@A.example"],
        ["eve@bücher.example", "EVE@xn--bcher-kva.example", "\"eve\"@BÜCHER.example"],
        ["dan@bücher.example", "DAN@xn--bcher-kva.example", "\"dan\"@BÜCHER.example"],
        ["fay@bücher.example", "FAY@xn--bcher-kva.example", "\"fay\"@BÜCHER.example"],
    ] {
        let first = salt(&running, SHA_256, written[0]).await;
        for other in &written[1..] {
            assert_eq!(salt(&running, SHA_256, other).await, first, "{other}");
        }
    }
    running.shutdown().await;
}
