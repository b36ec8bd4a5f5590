//! A session that is cut, and what comes of it.

use std::net::SocketAddr;
use std::time::Duration;

use mailwright_server::Service;
use mailwright_smtp::client;
use tokio::time::sleep;

use crate::check::{Fate, fates_of};
use crate::client::{Chunks, Login, Manner, Mechanism, Message};
use crate::ledger::{Answer, Sent};
use crate::net::{Cut, Tape};
use crate::node::{Sabotage, Setup};
use crate::peer::{Mood, Offers};
use crate::scenario::{somebody, user};
use crate::world::{World, in_a_world, peer_hosts};

/// Whose session it is: of a client with our server, or of our client with a server of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

/// How the message goes in the session that is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) role: Role,
    pub(super) by_chunks: bool,
    pub(super) pipelines: bool,
}

/// What became of a message.
pub(super) struct Story {
    pub(super) tape: Tape,
    /// For who is here, and for who is elsewhere.
    pub(super) fates: [Fate; 2],
    /// How often it was sent to our server.
    pub(super) tries: usize,
    pub(super) wrong: Vec<String>,
    pub(super) trace: String,
}

/// How long a client waits before it tries again (RFC 5321 §4.5.4.1).
const RETRY: Duration = Duration::from_secs(1800);
/// It does not take as many.
const TRIES: usize = 4;

impl Session {
    pub(super) fn all(role: Role) -> [Self; 4] {
        let session = |by_chunks, pipelines| Self { role, by_chunks, pipelines };
        [session(false, false), session(false, true), session(true, false), session(true, true)]
    }

    /// Lets it happen in a world in which nothing else goes wrong; whoever has heard no answer tries again.
    pub(super) fn tell(self, seed: u64, sabotage: Sabotage, cut: Option<Cut>) -> Story {
        in_a_world(seed, sabotage, async |world| self.happen(&world, cut).await)
    }

    async fn happen(self, world: &World, cut: Option<Cut>) -> Story {
        let fine = || vec![(Duration::ZERO, Mood::Fine)];
        world.start_peer(0, &[fine(), fine()], self.offers());
        let client = client::Limits { chunk: 200, ..client::Limits::default() };
        let node = world.node(0, Setup { users: 1, client, bad_starts: 0 });
        node.start().await;
        let at = node.at(Service::Smtp);
        let tape = match self.role {
            Role::Server => world.net.watch(at, cut),
            Role::Client => world.net.watch(SocketAddr::new(peer_hosts(0)[0], 25), cut),
        };
        let (message, began, mut tries) = (self.message(), world.clock.elapsed(), 0);
        let (to, answer) = loop {
            tries += 1;
            match world.client().attempt(&message, at).await {
                (_, Answer::Refused | Answer::None) if tries < TRIES => sleep(RETRY).await,
                answered => break answered,
            }
        };
        let ended = world.clock.elapsed();
        let asked = message.to.clone();
        world.ledger.sent(Sent { message, to: to.clone(), answer, began, ended });
        let rest = world.look(&[node]).await;
        let pages = world.ledger.pages();
        let mut wrong = pages.wrong.clone();
        if answer != Answer::Taken || to != asked || rest.len() != 1 {
            wrong.push(format!("{answer:?} for {to:?}, {} nodes", rest.len()));
        }
        let mut others = fates_of(&pages, &rest, &mut wrong);
        let mut fate = |to: &String| others.remove(&("t0".to_owned(), to.clone())).unwrap_or_default();
        let fates = [fate(&asked[0]), fate(&asked[1])];
        wrong.extend((!others.is_empty()).then(|| format!("not sent to anybody: {others:?}")));
        Story { tape, fates, tries, wrong, trace: world.trace.text() }
    }

    /// One for a user of the node, and for somebody elsewhere.
    fn message(self) -> Message {
        let from = user(0, 0);
        Message {
            token: "t0".to_owned(),
            node: 0,
            from: from.clone(),
            login: Some(Login { user: from.clone(), mechanism: Mechanism::Plain, slips: false }),
            to: vec![from, somebody(0, 0)],
            size: 300,
            manner: self.manner(),
        }
    }

    /// How it comes to our server.
    fn manner(self) -> Manner {
        let chunks = Chunks { sizes: vec![100, 7, 0, 150], last_is_empty: self.pipelines };
        match self.role {
            Role::Server => Manner { pipelines: self.pipelines, chunks: self.by_chunks.then_some(chunks) },
            Role::Client => Manner::default(),
        }
    }

    /// What our client is offered.
    fn offers(self) -> Offers {
        let percent = |is_offered| if is_offered && self.role == Role::Client { 100 } else { 0 };
        Offers { pipelining: percent(self.pipelines), chunking: percent(self.by_chunks) }
    }
}
