//! The keys of the configuration. What stands here is read, checked, printed by `mailwright config default`, and
//! compared when it is read again.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use mailwright_auth::ScramHash;
use mailwright_core::{Address, Domain};
use mailwright_delivery::outbound::{EightBit, Family, Pattern, Protocol, RelayHost, TlsPolicy};
use mailwright_dns::Families;
use mailwright_server::{AliasAddress, Auth, Service};
use mailwright_smtp::Solicitation;
use mailwright_tokio::Network;

use super::network::ProxyUrl;
use super::secret::{Password, RelayPassword};
use super::section::section;
use super::value::{At, Count, Filter, Format, Size, TagSeparator, Time, UserName};

section! {
    /// The whole configuration.
    Root "" {
        /// The name of this server, as it introduces itself: the one that its address leads back to (PTR), and that
        /// MX records and the certificate have.
        Restart hostname: Domain = Required(r#""mx.example.org""#);
        /// The domains that mail is taken for, besides those of `mailwright domain add`. Who logs in without a domain
        /// means the first.
        Reload domains: At<Vec<At<Domain>>> = Required(r#"["example.org"]"#);
        /// What parts an address from a tag: mail to ann+news@example.org is ann's, and she may send under that
        /// address. With "" there are no tags.
        Reload tag_separator: TagSeparator = Default(r#""+""#);
        /// The folder that mail, accounts and the control socket are kept in. It belongs to the user that the server
        /// runs as, and nobody else may read it. One server at a time uses it.
        Restart data: At<PathBuf> = Required(r#""/var/lib/mailwright""#);
        /// The certificate of this server. Without it there is neither STARTTLS nor any login.
        Restart tls: Option<Tls> = Off("");
        /// Where the server listens.
        Restart listener: Vec<Listener> = Required(r#"[
{ service = "smtp", address = "0.0.0.0:25" },
{ service = "submission", address = "0.0.0.0:587" },
{ service = "submissions", address = "0.0.0.0:465" },
{ service = "imaps", address = "0.0.0.0:993" },
{ service = "pop3s", address = "0.0.0.0:995" },
]"#);
        /// How users log in.
        Reload login: Login = Default("{}");
        /// Mail that users send.
        Reload submission: Submission = Default("{}");
        /// Mail for others. Without this table none is taken; with it, it is taken from those who have logged in.
        Restart outbound: Option<Outbound> = Off("");
        /// How long a server that mail goes to may take, for each stage of the conversation: at least what stands here
        /// by RFC 5321 section 4.5.3.2. Who is less patient gives up on servers that are only slow, and some mail
        /// arrives twice.
        Restart outbound_timeouts: At<OutboundTimeouts> = Default("{}");
        /// Ways to other domains: the first that fits is taken. What fits none goes by MX.
        Restart route: Vec<RouteTo> = Off("");
        /// Addresses of this machine that mail goes out from. Each domain sees one of each family, always the same one.
        /// Without any the system chooses, and the name is `hostname`.
        Restart source: Vec<SourceOf> = Off("");
        /// Users who stand here and not in `mailwright user`. Their mail is kept under their address, and stays when
        /// they no longer stand here; `mailwright user remove` removes it.
        Reload user: Vec<User> = Off("");
        /// Addresses that lead to others, and have no mailbox of their own. Mail for them is taken from anybody.
        Reload alias: Vec<Alias> = Off("");
        /// How much of everything.
        Reload limits: Limits = Default("{}");
        /// How the data directory uses the disk.
        Restart storage: Storage = Default("{}");
        /// What the server says of its work, on stderr.
        Restart log: Log = Default("{}");
    }
}

section! {
    /// TLS.
    Tls "tls" {
        /// The certificate and those between it and the root, in PEM. The files are read again by a reload, for what
        /// connects from then on.
        Reload certificate: At<PathBuf> = Required(r#""/etc/mailwright/fullchain.pem""#);
        /// Its private key, in PEM.
        Reload key: At<PathBuf> = Required(r#""/etc/mailwright/privkey.pem""#);
    }
}

section! {
    /// A socket.
    Listener "listener" {
        /// What it speaks: smtp (for other servers, with STARTTLS), smtps (for them and for users, TLS from the start),
        /// submission (for users, with STARTTLS), submissions, lmtp (for a server in front of this one), imap (with
        /// STARTTLS), imaps, pop3 (with STLS) or pop3s.
        Restart service: At<Service> = Required(r#""smtp""#);
        /// An IP address and a port. `[::]` is every address, of IPv4 too; port 0 is any free one.
        Restart address: At<SocketAddr> = Required(r#""0.0.0.0:25""#);
        /// Whether users log in to send: off, offered, or required before any mail. Without it smtp and lmtp have off,
        /// smtps offered, submission and submissions required.
        Restart auth: Option<At<Auth>> = Off(r#""offered""#);
        /// Octets of a message that is taken here, in the place of what [limits] has.
        Restart message_size: Option<At<Size<0x1_0000, 0x800_0000>>> = Off(r#""50 MiB""#);
        /// Recipients of a message that is taken here, in the place of what [limits] has.
        Restart recipients: Option<At<Count<100, 100_000>>> = Off("500");
        /// Proxies in front of it, such as haproxy with send-proxy-v2: networks or addresses. What comes from there
        /// has to begin with a PROXY header, which says who the client is.
        Restart proxy_from: Vec<At<Network>> = Off(r#"["192.0.2.0/28"]"#);
        /// Programs in front of it that may tell who their client is by XCLIENT, and that it has logged in: networks
        /// or addresses. Whoever is there can pretend to be anybody.
        Restart xclient_from: Vec<At<Network>> = Off(r#"["192.0.2.7"]"#);
        /// Whether users who have logged in are told whose an address is (VRFY), and whom an alias leads to (EXPN).
        /// Others never are.
        Restart lookups: Option<At<bool>> = Off("true");
        /// Servers that may ask by ETRN that what waits for a domain is sent now: networks or addresses.
        Restart etrn_from: Vec<At<Network>> = Off(r#"["192.0.2.7"]"#);
        /// Classes of solicitations that are not taken here, separated by commas (NO-SOLICITING).
        Restart no_soliciting: Option<At<Solicitation>> = Off(r#""org.example:ADV""#);
    }
}

section! {
    /// How users log in.
    Login "login" {
        /// Offers SCRAM by these hashes, sha-256 and sha-1, and keeps keys for it with the passwords that are set from
        /// then on. With SCRAM the password is not sent, to nobody who pretends to be this server either; but whoever
        /// steals the keys guesses passwords at a much smaller price than from argon2id. Clients that know SCRAM use
        /// it wherever it is offered: users whose passwords were set before cannot log in by them until they are set
        /// anew. PLAIN goes on as it was. In TLS 1.3 the same with -PLUS is offered, too, by which clients bind the
        /// login to the connection: it fails if a proxy in front ends TLS and begins its own.
        Reload scram: Vec<At<ScramHash>> = Off(r#"["sha-256"]"#);
        /// Iterations of new keys: work for a client at each login, and for a thief at each guess. Clients that use
        /// Cyrus SASL refuse more. Names that are nobody's are shown with these, too: after a change strangers can see
        /// who exists, until all passwords are set anew.
        Reload scram_iterations: Count<4_096, 10_000_000> = Default("65536");
    }
}

section! {
    /// Mail that users send.
    Submission "submission" {
        /// Whether From and Sender in the header have to be addresses of the user who sends. The envelope's sender
        /// has to be one in any case.
        Reload check_from: bool = Default("true");
        /// Octets of the header, which is in memory until it is whole: then From, Date and Message-ID are added if
        /// they are missing.
        Reload header_size: Size<0x4000, 0x100_0000> = Default(r#""256 KiB""#);
        /// How long a message may be held that a user submits for later (FUTURERELEASE, RFC 4865); 0s holds none. It is
        /// offered where users have to log in, with [outbound].
        Reload hold_max: Time<0, 31_536_000> = Default(r#""30d""#);
        /// Messages of a user that may be held at once.
        Reload hold_messages: Count<1, 1_000_000> = Default("1000");
    }
}

section! {
    /// Mail for others.
    Outbound "outbound" {
        /// How long it is tried to deliver a message, 4 to 5 days by RFC 5321 section 4.5.4.1.
        Restart lifetime: Time<60, 2_592_000> = Default(r#""5d""#);
        /// How long after its arrival the sender of a message is told that it is delayed.
        Restart warn_after: Time<60, 2_592_000> = Default(r#""4h""#);
        /// Deliveries at once.
        Restart concurrency: Count<1, 10_000> = Default("200");
        /// Deliveries at once to one domain, at most: it begins with fewer, and adapts.
        Restart per_domain: Count<1, 1_000> = Default("60");
        /// What becomes of content beyond ASCII at a server that takes ASCII only: convert (encoded anew, unless a
        /// signature would break by that) or return.
        Restart eight_bit: EightBit = Default(r#""convert""#);
        /// The DNS servers to ask, in the place of those of the system.
        Restart nameservers: Vec<At<SocketAddr>> = Off(r#"["127.0.0.1:53"]"#);
        /// The authorities that certificates are trusted by, in PEM.
        Restart authorities: At<PathBuf> = Default(r#""/etc/ssl/certs/ca-certificates.crt""#);
        /// The addresses that are connected to: both, ipv4 or ipv6.
        Restart families: At<Families> = Default(r#""both""#);
        /// The family whose address of a server is tried first: ipv6 or ipv4.
        Restart prefer: Family = Default(r#""ipv6""#);
        /// How long an address may be silent before the next one of a server is tried besides.
        Restart next_address_after: Time<0, 300> = Default(r#""2s""#);
        /// How long an address that did not answer is tried behind all others, and a family that there is no way to
        /// behind the other one.
        Restart remember_unreachable: Time<0, 86_400> = Default(r#""10m""#);
        /// How long a server whose TLS was broken is asked without TLS at once, where that is allowed.
        Restart remember_broken_tls: Time<0, 604_800> = Default(r#""1h""#);
        /// A proxy that all mail goes through, by its address: socks5://, or haproxy:// for one that is told by the
        /// PROXY protocol from which [[source]] to connect, and to whom.
        Restart via: Option<At<ProxyUrl>> = Off(r#""socks5://192.0.2.9:1080""#);
        /// The name to log in with at a SOCKS server. It and the password are sent to it without TLS.
        Restart via_user: Option<At<UserName>> = Off(r#""mx.example.org""#);
        /// Where the password for it stands: { file = "..." } or { env = "..." }.
        Restart via_password: Option<At<RelayPassword>> = Off(r#"{ env = "PROXY_PASSWORD" }"#);
    }
}

section! {
    /// A way to other domains.
    RouteTo "route" {
        /// The domains: `example.org`, `.example.org` for all below it, `*` for all.
        Restart domains: Vec<At<Pattern>> = Required(r#"["*"]"#);
        /// The servers that take their mail, each a name or an address and a port: the first that answers. Without it
        /// their mail goes by MX, with TLS if it is offered.
        Restart via: Vec<At<RelayHost>> = Off(r#"["relay.example.net:587"]"#);
        /// What they speak: smtp or lmtp.
        Restart protocol: At<Protocol> = Default(r#""smtp""#);
        /// never, opportunistic (if it is offered), required (by STARTTLS) or implicit (TLS from the start).
        Restart tls: At<TlsPolicy> = Default(r#""required""#);
        /// The sources that it goes out from, each by its `hostname`, in the place of all.
        Restart sources: Vec<At<Domain>> = Off(r#"["out.example.org"]"#);
        /// The name to log in with.
        Restart user: Option<At<UserName>> = Off(r#""mx.example.org""#);
        /// Where the password stands: { file = "..." } or { env = "..." }.
        Restart password: Option<At<RelayPassword>> = Off(r#"{ env = "RELAY_PASSWORD" }"#);
    }
}

section! {
    /// Where mail goes out from.
    SourceOf "source" {
        /// The name for EHLO: the one that these addresses lead back to (PTR), and that has them. Receivers
        /// compare.
        Restart hostname: At<Domain> = Required(r#""out.example.org""#);
        /// Its addresses, IPv4 or IPv6. A machine that has none of them sends nothing.
        Restart addresses: At<Vec<At<IpAddr>>> = Required(r#"["192.0.2.1", "2001:db8::1"]"#);
    }
}

section! {
    /// How long a server may take.
    OutboundTimeouts "outbound_timeouts" {
        /// To find the servers of a domain.
        Restart resolve: Time<1, 3_600> = Default(r#""30s""#);
        /// To connect to an address.
        Restart connect: Time<1, 3_600> = Default(r#""30s""#);
        /// For the handshake of TLS.
        Restart tls: Time<1, 3_600> = Default(r#""1m""#);
        /// Until its greeting.
        Restart greeting: Time<1, 3_600> = Default(r#""5m""#);
        /// To answer EHLO.
        Restart hello: Time<1, 3_600> = Default(r#""5m""#);
        /// To answer STARTTLS.
        Restart start_tls: Time<1, 3_600> = Default(r#""2m""#);
        /// To answer each step of AUTH.
        Restart auth: Time<1, 3_600> = Default(r#""2m""#);
        /// To answer MAIL.
        Restart mail: Time<1, 3_600> = Default(r#""5m""#);
        /// To answer RCPT, for each recipient.
        Restart rcpt: Time<1, 3_600> = Default(r#""5m""#);
        /// To answer DATA.
        Restart data: Time<1, 3_600> = Default(r#""2m""#);
        /// To read some more of the content.
        Restart body: Time<1, 3_600> = Default(r#""3m""#);
        /// To take the message, when all of it has been sent. Who gives up here sends it again.
        Restart body_end: Time<1, 3_600> = Default(r#""10m""#);
        /// For all of it, whatever its stages still may take.
        Restart attempt: Time<60, 86_400> = Default(r#""1h""#);
    }
}

section! {
    /// A user of the configuration.
    User "user" {
        /// The address, which is also the name to log in with.
        Reload address: At<Address> = Required(r#""ann@example.org""#);
        /// More addresses to receive at and to send from.
        Reload aliases: Vec<At<Address>> = Off(r#"["postmaster@example.org"]"#);
        /// The hash of the password, as `mailwright config hash` prints it. Or where it stands: { file = "..." },
        /// { env = "..." }. Never the password itself.
        Reload password: Password = Required(r#""$argon2id$v=19$m=19456,t=2,p=1$bWFpbHdyaWdodC1kZW1v$vNRkYM6pAbJr1bVWpnqvbgXNnWqPBDdZcnCbCsZzqBY""#);
    }
}

section! {
    /// An alias.
    Alias "alias" {
        /// The address; or `@example.org`, for all addresses of that domain that nobody has.
        Reload address: At<AliasAddress> = Required(r#""sales@example.org""#);
        /// Where its mail goes, under its own sender: users, other aliases, and with [outbound] anybody elsewhere.
        Reload to: At<Vec<At<Address>>> = Required(r#"["ann@example.org", "bob@elsewhere.example"]"#);
    }
}

section! {
    /// How much of everything.
    Limits "limits" {
        /// Octets of a message, told to clients as SIZE (RFC 1870).
        Reload message_size: Size<0x1_0000, 0x800_0000> = Default(r#""25 MiB""#);
        /// Recipients of a message, at least 100 (RFC 5321 section 4.5.3.1.8).
        Reload recipients: Count<100, 100_000> = Default("1000");
        /// Addresses that an alias may lead to, with those that other aliases among them lead to.
        Reload alias_targets: Count<1, 5_000> = Default("1000");
        /// How long an SMTP client may say nothing, 5 minutes by RFC 5321 section 4.5.3.2.7.
        Reload smtp_idle: Time<1, 86_400> = Default(r#""5m""#);
        /// How long an IMAP client may say nothing, at least 30 minutes by RFC 9051 section 5.4.
        Reload imap_idle: Time<1, 86_400> = Default(r#""30m""#);
        /// How long a POP3 client may say nothing, at least 10 minutes by RFC 1939 section 3.
        Reload pop3_idle: Time<1, 86_400> = Default(r#""10m""#);
        /// Connections at once.
        Restart connections: Count<1, 1_000_000> = Default("10000");
        /// Connections at once from one address: of IPv6, from one /64.
        Restart connections_per_address: Count<1, 1_000_000> = Default("50");
        /// Failed logins after which an address is locked for a while.
        Restart failed_logins: Count<1, 1_000_000> = Default("10");
        /// How long the server waits for what is under way when it is asked to stop.
        Restart shutdown: Time<0, 3600> = Default(r#""10s""#);
    }
}

section! {
    /// The data directory.
    Storage "storage" {
        /// Octets of a file of the log, set aside at once.
        Restart segment: Size<0x1_0000, 0x4000_0000> = Default(r#""64 MiB""#);
        /// Octets that are kept so that mail can be deleted on a full disk.
        Restart reserve: Size<0, 0x4000_0000> = Default(r#""16 MiB""#);
        /// Octets free on the disk below which no mail is taken: room for a file of the log, the reserve and the
        /// index.
        Restart watermark: Size<0, 0x100_0000_0000> = Default(r#""128 MiB""#);
    }
}

section! {
    /// The log.
    Log "log" {
        /// A level, error, warn, info, debug or trace, or target=level,...
        Restart filter: Filter = Default(r#""info""#);
        /// text for people, json for programs, auto: text on a terminal, else json.
        Restart format: Format = Default(r#""auto""#);
    }
}
