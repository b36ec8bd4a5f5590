//! What is different from one listener to the next.

use super::*;

/// `AUTH PLAIN` of `ann@a.example`, whose password is `secret`.
const LOGIN: &str = "AUTH PLAIN AGFubkBhLmV4YW1wbGUAc2VjcmV0";

async fn serve(listener: impl Into<Listener>) -> Running {
    let server = Server::new("mx.a.example").settings(settings(vec![user("ann@a.example", &[])]));
    server.login_without_tls().listen(listener, ([127, 0, 0, 1], 0)).start().await.unwrap()
}

async fn connect(running: &Running) -> Client {
    Client::connect_to(running, running.addrs()[0].0).await
}

/// RFC 6409 §4.3: whoever submits has logged in.
#[tokio::test]
async fn submission_needs_a_login() {
    let running = serve(Service::Submission).await;
    let mut client = connect(&running).await;
    client.expect("MAIL FROM:<ann@a.example>", "530 5.7.0 ").await;
    client.expect("RCPT TO:<ann@a.example>", "503 ").await;
    client.expect("MAIL FROM:<>", "530 5.7.0 ").await;
    client.expect(LOGIN, "235 ").await;
    client.expect("MAIL FROM:<ann@a.example>", "250 ").await;
}

#[tokio::test]
async fn other_servers_are_offered_no_login() {
    let running = serve(Service::Smtp).await;
    let mut client = connect(&running).await;
    client.expect(LOGIN, "502 5.5.1 ").await;
    client.expect("MAIL FROM:<app@client.example>", "250 ").await;
}

/// A listener may be otherwise than its service.
#[tokio::test]
async fn a_login_may_be_offered_and_not_asked_for() {
    for service in [Service::Smtp, Service::Submission] {
        let running = serve(Listener::new(service).auth(Auth::Offered)).await;
        let mut client = connect(&running).await;
        client.expect("MAIL FROM:<app@client.example>", "250 ").await;
        client.expect("RSET", "250 ").await;
        client.expect(LOGIN, "235 ").await;
        client.expect("MAIL FROM:<app@client.example>", "550 5.7.1 ").await;
    }
}

#[tokio::test]
async fn each_listener_has_its_own_limits_and_the_others_those_of_all() {
    let mut small = Listener::new(Service::Smtp);
    (small.message_size, small.recipients) = (Some(1 << 16), Some(100));
    let running = serve(small).await;
    let mut client = connect(&running).await;
    client.expect("MAIL FROM:<app@client.example> SIZE=65537", "552 5.3.4 ").await;
    client.expect("MAIL FROM:<app@client.example> SIZE=65536", "250 ").await;
    for number in 0..100 {
        client.expect(&format!("RCPT TO:<ann+{number}@a.example>"), "250 ").await;
    }
    client.expect("RCPT TO:<ann+100@a.example>", "452 4.5.3 ").await;
    // What a reload says is for what the listener says nothing of.
    let mut fewer = settings(vec![user("ann@a.example", &[])]);
    (fewer.smtp_limits.message_size, fewer.smtp_limits.recipients) = (1 << 10, 1 << 10);
    running.reload(fewer).await.unwrap();
    let mut client = connect(&running).await;
    client.expect("MAIL FROM:<app@client.example> SIZE=65536", "250 ").await;
}

/// A login that a proxy tells of counts, and nobody else can tell of one.
#[tokio::test]
async fn whoever_is_trusted_tells_who_its_client_is() {
    let mut behind = Listener::new(Service::Submission);
    behind.xclient = vec!["127.0.0.1".parse().unwrap()];
    let running = serve(behind).await;
    let mut client = connect(&running).await;
    client.expect("MAIL FROM:<ann@a.example>", "530 5.7.0 ").await;
    client.expect("XCLIENT ADDR=203.0.113.9 LOGIN=ann@a.example", "220 ").await;
    client.expect("EHLO client.example", "250").await;
    client.expect("MAIL FROM:<bob@a.example>", "550 5.7.1 ").await;
    client.expect("MAIL FROM:<ann@a.example>", "250 ").await;

    let mut elsewhere = Listener::new(Service::Submission);
    elsewhere.xclient = vec!["127.0.0.2".parse().unwrap()];
    let running = serve(elsewhere).await;
    let mut client = connect(&running).await;
    client.expect("XCLIENT LOGIN=ann@a.example", "502 5.5.1 ").await;
    client.expect("MAIL FROM:<ann@a.example>", "530 5.7.0 ").await;
}

/// Of two listeners of one service each keeps to its own rules.
#[tokio::test]
async fn two_listeners_of_one_service_differ() {
    let server = Server::new("mx.a.example").settings(settings(vec![user("ann@a.example", &[])]));
    let mut large = Listener::new(Service::Smtp);
    large.message_size = Some(100 << 20);
    let server = server.listen(Service::Smtp, ([127, 0, 0, 1], 0)).listen(large, ([127, 0, 0, 1], 0));
    let running = server.start().await.unwrap();
    for (addr, reply) in running.addrs().iter().zip(["552 5.3.4 ", "250 "]) {
        let mut client = Client(BufReader::new(TcpStream::connect(addr.1).await.unwrap()));
        client.reply().await;
        client.ask("EHLO client.example").await;
        client.expect(&format!("MAIL FROM:<app@client.example> SIZE={}", 50 << 20), reply).await;
    }
}
