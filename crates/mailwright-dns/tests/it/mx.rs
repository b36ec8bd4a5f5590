//! Where mail goes (RFC 5321 §5.1, RFC 7505 §3).

use std::collections::BTreeSet;
use std::net::IpAddr;

use mailwright_core::testing::{Budget, SeededEntropy};
use mailwright_core::{Domain, Entropy};
use mailwright_dns::{
    Candidates, Families, Host, Identity, MailHosts, Mx, MxLimits, Name, Party, Source, Zones, candidates,
    mail_hosts,
};

use crate::show::zones;

/// us.example, and whoever has 192.0.2.99, are we.
fn is_own(identity: Identity<'_>) -> bool {
    match identity {
        Identity::Name(name) => name.as_str() == "us.example",
        Identity::Address(address) => address == "192.0.2.99".parse::<IpAddr>().unwrap(),
    }
}

async fn find(zones: &Zones, domain: &str, limits: &MxLimits) -> MailHosts {
    let domain: Domain = domain.parse().unwrap();
    mail_hosts(zones, &domain, Families::Both, is_own, limits, [1; 8]).await
}

/// `10 mx1.example=192.0.2.1,::1 | 20 mx2.example=192.0.2.2; unusable mx3.example; 4 left out`
fn show(hosts: &MailHosts) -> String {
    let found = match hosts {
        MailHosts::Hosts(found) => found,
        MailHosts::NoAddresses(unusable) => {
            let names: Vec<_> = unusable.iter().map(|host| host.host.name.to_string()).collect();
            return format!("no addresses: {}", names.join(" "));
        }
        MailHosts::Temporary(error) => return format!("temporary: {error}"),
        other => return format!("{other:?}"),
    };
    let host = |host: &Host| {
        let addresses: Vec<_> = host.addresses.iter().map(ToString::to_string).collect();
        let name = host.name.as_ref().map_or("-", Name::as_str);
        let alias = host.alias_of.as_ref().map_or(String::new(), |name| format!("({name})"));
        let mark = if host.authentic { "!" } else { "" };
        format!("{} {name}{alias}={}{mark}", host.preference, addresses.join(","))
    };
    let mut text = found.hosts.iter().map(host).collect::<Vec<_>>().join(" | ");
    text.push_str(match found.source {
        Source::Mx { authentic: true } => "; authentic",
        Source::Mx { authentic: false } => "",
        Source::Implicit => "; implicit",
        Source::Literal => "; literal",
    });
    for unusable in &found.unusable {
        let why = unusable.why.as_ref().map_or("us or further".to_owned(), ToString::to_string);
        text.push_str(&format!("; not {}: {why}", unusable.host.name));
    }
    if found.left_out > 0 {
        text.push_str(&format!("; {} left out", found.left_out));
    }
    text
}

const HOSTS: &str = "mx1.example. A 192.0.2.1\n\
                     mx1.example. AAAA 2001:db8::1\n\
                     mx2.example. A 192.0.2.2\n\
                     mx3.example. A 192.0.2.3\n\
                     us.example. A 192.0.2.98\n\
                     relay.example. A 192.0.2.99\n\
                     www.example. CNAME mx1.example.\n\
                     empty.example. TXT nothing\n\
                     broken.example. SERVFAIL\n\
                     half.example. A 192.0.2.5\n\
                     half.example. AAAA TIMEOUT\n";

#[tokio::test]
async fn mail_finds_its_way() {
    for (case, records, way) in [
        (
            "by preference",
            "to.example. MX 20 mx2.example.\nto.example. MX 10 mx1.example.",
            "10 mx1.example=2001:db8::1,192.0.2.1 | 20 mx2.example=192.0.2.2",
        ),
        (
            "a host that stands twice counts once",
            "to.example. MX 20 mx1.example.\nto.example. MX 10 MX1.example.\nto.example. MX 30 mx1.example.",
            "10 mx1.example=2001:db8::1,192.0.2.1",
        ),
        ("no MX: the domain itself", "to.example. A 192.0.2.7", "0 to.example=192.0.2.7; implicit"),
        (
            "with an alias as well",
            "to.example. CNAME mx2.example.",
            "0 to.example(mx2.example)=192.0.2.2; implicit",
        ),
        (
            "an alias is followed to its MX",
            "to.example. CNAME x.example.\nx.example. MX 5 mx2.example.",
            "5 mx2.example=192.0.2.2",
        ),
        (
            "with MX, its own addresses do not count",
            "to.example. A 192.0.2.7\nto.example. MX 9 empty.example.",
            "no addresses: empty.example",
        ),
        ("null MX", "to.example. MX 0 .", "NullMx"),
        ("null MX, whatever its preference", "to.example. MX 10 .", "NullMx"),
        ("null MX, with addresses", "to.example. MX 0 .\nto.example. A 192.0.2.7", "NullMx"),
        (
            "`.` among others",
            "to.example. MX 0 .\nto.example. MX 10 mx2.example.",
            "10 mx2.example=192.0.2.2",
        ),
        ("no such domain", "other.example. A 192.0.2.7", "NoSuchDomain"),
        ("neither MX nor address", "to.example. TXT hello", "no addresses: to.example"),
        (
            "MX cannot be looked up",
            "to.example. MX SERVFAIL\nto.example. A 192.0.2.7",
            "temporary: the name server failed to find out",
        ),
        ("nobody answers", "to.example. TIMEOUT", "temporary: no name server answered in time"),
        ("refused", "to.example. REFUSED", "temporary: the name server refused to answer"),
        (
            "an alias to itself",
            "to.example. CNAME to.example.",
            "temporary: the name leads from alias to alias",
        ),
        (
            "the implicit MX cannot be looked up",
            "to.example. A SERVFAIL",
            "temporary: the name server failed to find out",
        ),
        (
            "a host that is an alias is used",
            "to.example. MX 10 www.example.",
            "10 www.example(mx1.example)=2001:db8::1,192.0.2.1",
        ),
        (
            "a host without addresses is passed over",
            "to.example. MX 10 empty.example.\nto.example. MX 20 nowhere.example.\nto.example. MX 30 mx2.example.",
            "30 mx2.example=192.0.2.2; not empty.example: the domain has no such records; \
             not nowhere.example: there is no such domain",
        ),
        (
            "so is one that cannot be looked up",
            "to.example. MX 10 broken.example.\nto.example. MX 30 mx2.example.",
            "30 mx2.example=192.0.2.2; not broken.example: the name server failed to find out",
        ),
        (
            "unless it is the last hope",
            "to.example. MX 10 broken.example.\nto.example. MX 30 empty.example.",
            "temporary: the name server failed to find out",
        ),
        ("one family is enough", "to.example. MX 10 half.example.", "10 half.example=192.0.2.5"),
        (
            "we are among them",
            "to.example. MX 10 mx1.example.\nto.example. MX 20 us.example.\nto.example. MX 20 mx2.example.\n\
             to.example. MX 30 mx3.example.",
            "10 mx1.example=2001:db8::1,192.0.2.1",
        ),
        (
            "we are among them, by another name",
            "to.example. MX 10 mx2.example.\nto.example. MX 20 relay.example.\nto.example. MX 30 mx3.example.",
            "10 mx2.example=192.0.2.2; not relay.example: us or further; not mx3.example: us or further",
        ),
        ("we are the closest", "to.example. MX 10 us.example.\nto.example. MX 20 mx2.example.", "Loop"),
        (
            "we are the closest, by another name",
            "to.example. MX 10 relay.example.\nto.example. MX 20 mx2.example.",
            "Loop",
        ),
        (
            "we are the closest but one that cannot be looked up",
            "to.example. MX 5 broken.example.\nto.example. MX 10 relay.example.",
            "temporary: the name server failed to find out",
        ),
        ("it is our address", "to.example. A 192.0.2.99", "Loop"),
        (
            "authentic",
            "to.example. MX 10 safe.example.\nto.example. SECURE\nsafe.example. A 192.0.2.8\nsafe.example. SECURE",
            "10 safe.example=192.0.2.8!; authentic",
        ),
    ] {
        let zones = zones(&format!("{HOSTS}{records}"));
        assert_eq!(show(&find(&zones, "To.Example", &MxLimits::default()).await), way, "{case}");
    }
}

#[tokio::test]
/// RFC 5321 §4.1.3
async fn address_literals_are_not_looked_up() {
    let zones = zones("");
    for (literal, way) in [
        ("[192.0.2.1]", "0 -=192.0.2.1; literal"),
        ("[IPv6:2001:db8::1]", "0 -=2001:db8::1; literal"),
        ("[IPv6:::ffff:192.0.2.99]", "Loop"),
        ("[192.0.2.99]", "Loop"),
        ("[x25:311060010000]", "no addresses: "),
    ] {
        assert_eq!(show(&find(&zones, literal, &MxLimits::default()).await), way);
    }
    assert_eq!(zones.asked(), 0);
}

#[tokio::test]
async fn families_can_be_left_out() {
    let zones = zones(&format!("{HOSTS}to.example. MX 10 mx1.example."));
    let domain = "to.example".parse().unwrap();
    for (families, way) in
        [(Families::V4, "10 mx1.example=192.0.2.1"), (Families::V6, "10 mx1.example=2001:db8::1")]
    {
        let limits = MxLimits::default();
        assert_eq!(show(&mail_hosts(&zones, &domain, families, is_own, &limits, [0; 8]).await), way);
    }
}

#[tokio::test]
async fn hosts_and_addresses_are_limited() {
    let text: String = (0..50)
        .flat_map(|n| [format!("to.example. MX {n} m{n}.example."), format!("m{n}.example. A 192.0.2.{n}")])
        .chain((100..200).map(|n| format!("m1.example. A 192.0.2.{n}")))
        .map(|line| line + "\n")
        .collect();
    let zones = zones(&text);
    let way = find(&zones, "to.example", &MxLimits { hosts: 2, addresses: 2 }).await;
    assert_eq!(show(&way), "0 m0.example=192.0.2.0 | 1 m1.example=192.0.2.1,192.0.2.100; 48 left out");
    assert_eq!(zones.asked(), 5, "what is left out is not looked up");
    let way = find(&zones, "to.example", &MxLimits { hosts: 0, addresses: 0 }).await;
    assert_eq!(show(&way), "0 m0.example=192.0.2.0; 49 left out", "one at least is tried");
}

#[test]
fn a_refusal_has_its_codes() {
    use mailwright_dns::LookupError::Timeout;
    let codes = |hosts: &MailHosts, of| {
        hosts.refusal(of).map_or("-".to_owned(), |(code, enhanced)| format!("{code} {enhanced}"))
    };
    for (hosts, recipient, sender) in [
        (MailHosts::NullMx, "556 5.1.10", "550 5.7.27"),
        (MailHosts::NoSuchDomain, "550 5.1.2", "550 5.1.8"),
        (MailHosts::NoAddresses(Vec::new()), "550 5.4.4", "550 5.1.8"),
        (MailHosts::Loop, "554 5.4.6", "-"),
        (MailHosts::Temporary(Timeout), "451 4.4.3", "451 4.4.3"),
    ] {
        assert_eq!(
            (codes(&hosts, Party::Recipient), codes(&hosts, Party::Sender)),
            (recipient.into(), sender.into())
        );
    }
}

fn mx(preference: u16, host: u8) -> Mx {
    Mx { preference, exchange: format!("m{host}.example").parse().unwrap() }
}

#[test]
fn hosts_of_one_preference_share_the_load() {
    let records: Vec<Mx> = (0..5).map(|host| mx(10, host)).collect();
    let mut firsts = [0_u32; 5];
    for seed in 0..1_000_u64 {
        let found = candidates(&records, |_| false, &MxLimits::default(), seed.to_le_bytes());
        let Candidates::Hosts { hosts, .. } = found else { panic!("{found:?}") };
        firsts[usize::from(hosts[0].name.as_str().as_bytes()[1] - b'0')] += 1;
    }
    assert!(firsts.iter().all(|count| (140..260).contains(count)), "{firsts:?}");
}

/// What RFC 5321 §5.1 says of the list, whatever it is.
#[test]
fn candidates_keep_the_rules() {
    Budget::new().run("candidates_keep_the_rules", |seed| {
        let entropy = SeededEntropy::new(seed);
        let mut octets = [0; 60];
        entropy.fill(&mut octets);
        let records: Vec<Mx> = octets[8..usize::from(octets[59]) % 50 + 10]
            .chunks_exact(2)
            .map(|pair| mx(u16::from(pair[0] % 4), pair[1] % 12))
            .collect();
        let own: Name = format!("m{}.example", octets[58] % 24).parse().unwrap();
        let limits = MxLimits { hosts: usize::from(octets[57] % 8) + 1, addresses: 1 };
        let is_own = |identity: Identity<'_>| identity == Identity::Name(&own);
        let seed = *octets.first_chunk().unwrap();
        let found = candidates(&records, is_own, &limits, seed);
        assert_eq!(found, candidates(&records, is_own, &limits, seed), "the same for the same seed");

        let lowest = |name: &Name| {
            records.iter().filter(|mx| mx.exchange == *name).map(|mx| mx.preference).min().unwrap()
        };
        let names: BTreeSet<&Name> = records.iter().map(|mx| &mx.exchange).collect();
        let bound = names.contains(&own).then(|| lowest(&own));
        let closer: Vec<_> = names.iter().filter(|name| bound.is_none_or(|own| lowest(name) < own)).collect();
        match found {
            Candidates::Loop => assert!(closer.is_empty()),
            Candidates::Hosts { hosts, left_out } => {
                assert!(hosts.iter().all(|host| host.preference == lowest(&host.name)));
                assert!(hosts.is_sorted_by_key(|host| host.preference));
                assert_eq!(hosts.iter().map(|host| &host.name).collect::<BTreeSet<_>>().len(), hosts.len());
                assert_eq!(hosts.len() + left_out, closer.len());
                assert_eq!(hosts.len(), closer.len().min(limits.hosts));
                let worst = hosts.iter().map(|host| host.preference).max().unwrap();
                let better = closer.iter().filter(|name| lowest(name) < worst).count();
                assert!(hosts.len() >= better, "nothing is left out for something worse");
            }
            Candidates::NullMx => panic!("there is no null MX"),
        }
    });
}
