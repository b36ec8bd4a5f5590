//! Messages from and to zones.

use hickory_net::proto::op::{Message, MessageType, ResponseCode};
use hickory_net::proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, SOA, TLSA, TXT};
use hickory_net::proto::rr::{self, RData, Record};

use crate::error::LookupError;
use crate::name::Name;
use crate::record::{Question, RecordData, RecordType};
use crate::zones::{Found, Zones};

/// What a recursive server over these zones answers to a message; `None` if it keeps silent.
pub(super) fn reply(zones: &Zones, message: &[u8], bytes_max: Option<usize>) -> Option<Vec<u8>> {
    let request = Message::from_vec(message).ok()?;
    let query = request.queries.first()?;
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_query(query.clone());
    match question(query.query_type(), query.name()) {
        Some(question) => fill(&mut reply, zones.find(&question), request.metadata.authentic_data)?,
        None => reply.metadata.response_code = ResponseCode::NotImp,
    }
    let whole = reply.to_vec().ok()?;
    let udp_bytes = usize::from(request.max_payload());
    match bytes_max {
        Some(bytes_max) if whole.len() > bytes_max.min(udp_bytes) => reply.truncate().to_vec().ok(),
        _ => Some(whole),
    }
}

fn question(of: rr::RecordType, name: &rr::Name) -> Option<Question> {
    let of = RecordType::ALL.into_iter().find(|known| known.to_string() == of.to_string())?;
    Some(Question::new(name.to_ascii().parse().ok()?, of))
}

fn fill(reply: &mut Message, found: Found, wants_authentic: bool) -> Option<()> {
    let mut end = reply.queries.first()?.name().clone();
    for alias in &found.aliases {
        let target = wire_name(&alias.target)?;
        let owner = std::mem::replace(&mut end, target.clone());
        reply.add_answer(Record::from_rdata(owner, seconds(alias.ttl), RData::CNAME(CNAME(target))));
    }
    let code = match found.outcome {
        Ok(answer) => {
            for data in answer.records {
                reply.add_answer(Record::from_rdata(end.clone(), seconds(answer.ttl), wire_data(data)?));
            }
            reply.metadata.authentic_data = answer.authentic && wants_authentic;
            ResponseCode::NoError
        }
        Err(LookupError::NoSuchDomain { ttl }) => {
            authority(reply, ttl);
            ResponseCode::NXDomain
        }
        Err(LookupError::NoRecords { ttl }) => {
            authority(reply, ttl);
            ResponseCode::NoError
        }
        Err(LookupError::Timeout) => return None,
        Err(LookupError::Refused { .. }) => ResponseCode::Refused,
        Err(_) => ResponseCode::ServFail,
    };
    reply.metadata.response_code = code;
    Some(())
}

fn authority(reply: &mut Message, ttl: Option<std::time::Duration>) {
    let Some(ttl) = ttl else { return };
    let root = rr::Name::root();
    let soa = SOA::new(root.clone(), root.clone(), 1, 2, 3, 4, seconds(ttl));
    reply.add_authority(Record::from_rdata(root, seconds(ttl), RData::SOA(soa)));
}

fn seconds(ttl: std::time::Duration) -> u32 {
    u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX)
}

fn wire_name(name: &Name) -> Option<rr::Name> {
    rr::Name::from_labels(name.labels().map(str::as_bytes)).ok()
}

fn wire_data(data: RecordData) -> Option<RData> {
    Some(match data {
        RecordData::A(address) => RData::A(A(address)),
        RecordData::Aaaa(address) => RData::AAAA(AAAA(address)),
        RecordData::Mx(mx) => RData::MX(MX::new(mx.preference, wire_name(&mx.exchange)?)),
        RecordData::Txt(txt) => RData::TXT(TXT::from_bytes(txt.strings.iter().map(|s| &**s).collect())),
        RecordData::Ptr(name) => RData::PTR(PTR(wire_name(&name)?)),
        RecordData::Tlsa(tlsa) => RData::TLSA(TLSA::new(
            tlsa.usage.into(),
            tlsa.selector.into(),
            tlsa.matching.into(),
            tlsa.data.into_vec(),
        )),
    })
}
