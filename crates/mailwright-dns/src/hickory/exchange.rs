//! One question to one server: over UDP, and over TCP if the answer is too long.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_net::NetError;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, Edns, Message, Query};
use hickory_net::proto::rr;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::tcp::TcpClientStream;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsHandle, DnsRequestSender, FirstAnswer};
use tokio::time::timeout;

use super::config::HickoryConfig;
use crate::error::{LookupError, Malformed};
use crate::record::{Question, RecordType};

/// What the server answers, whatever it is; only that it is whole is sure.
pub(super) async fn exchange(
    server: SocketAddr,
    question: &Question,
    config: &HickoryConfig,
) -> Result<Message, LookupError> {
    let request = request(question, config)?;
    let reply = udp(server, request.clone(), config.timeout).await?;
    if !reply.metadata.truncation {
        return Ok(reply);
    }
    let reply = timeout(config.timeout, tcp(server, request, config.timeout)).await;
    let reply = reply.unwrap_or(Err(LookupError::Timeout))?;
    if reply.metadata.truncation { Err(Malformed::Truncated.into()) } else { Ok(reply) }
}

fn request(question: &Question, config: &HickoryConfig) -> Result<DnsRequest, LookupError> {
    let labels = question.name.labels().map(str::as_bytes);
    let name = rr::Name::from_labels(labels).map_err(|_| Malformed::UnusableName)?;
    let mut message = Message::query();
    message.add_query(Query::query(name, record_type(question.record_type)));
    message.metadata.recursion_desired = true;
    // RFC 6840 §5.7: we want to know, without the signatures.
    message.metadata.authentic_data = config.trust_authentic;
    let mut edns = Edns::new();
    edns.set_max_payload(config.udp_bytes);
    message.set_edns(edns);
    Ok(DnsRequest::new(message, DnsRequestOptions::default()))
}

pub(super) fn record_type(of: RecordType) -> rr::RecordType {
    match of {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Txt => rr::RecordType::TXT,
        RecordType::Ptr => rr::RecordType::PTR,
        RecordType::Tlsa => rr::RecordType::TLSA,
    }
}

/// Each query has a socket, a port and an id of its own (RFC 5452 §9.2), and is sent once.
async fn udp(server: SocketAddr, request: DnsRequest, wait: Duration) -> Result<Message, LookupError> {
    let builder = UdpClientStream::builder(server, TokioRuntimeProvider::new());
    let mut stream = builder.with_timeout(Some(wait)).with_max_retries(1).build();
    let reply = stream.send_message(request).first_answer().await.map_err(fault)?;
    Ok(reply.into_message())
}

/// Answers that are too long are rare enough for a connection each.
async fn tcp(server: SocketAddr, request: DnsRequest, wait: Duration) -> Result<Message, LookupError> {
    // It owns the task behind the connection, which ends with it.
    let provider = TokioRuntimeProvider::new();
    let stream =
        TcpClientStream::exchange(server, None, wait, None, provider.clone()).await.map_err(fault)?;
    let reply = stream.send(request).first_answer().await.map_err(fault)?;
    drop(provider);
    Ok(reply.into_message())
}

fn fault(error: NetError) -> LookupError {
    match error {
        NetError::Timeout => LookupError::Timeout,
        NetError::Io(error) => LookupError::Unreachable(error.kind()),
        NetError::Proto(_) => Malformed::Undecodable.into(),
        _ => LookupError::Unreachable(io::ErrorKind::Other),
    }
}
