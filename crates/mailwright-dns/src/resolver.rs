//! What a resolver is asked.

use std::future::Future;
use std::net::IpAddr;

use crate::addresses::{Families, merge};
use crate::answer::Answer;
use crate::error::LookupError;
use crate::join::join_all;
use crate::name::Name;
use crate::record::{Mx, Question, RecordType, Tlsa, Txt, Typed};

/// Asks the DNS.
///
/// To write one, write [`lookup`](Self::lookup); the rest follows. All names are absolute: no search list is ever
/// tried (RFC 5321 §5.1).
pub trait Resolver: Send + Sync {
    /// The records of one type at a name, aliases followed. Never an answer without records, or with records of
    /// another type.
    ///
    /// # Errors
    /// If there are none, or nobody can tell now: see [`LookupError`].
    fn lookup(&self, question: &Question) -> impl Future<Output = Result<Answer, LookupError>> + Send;

    /// The mail exchangers of a domain, as they come. How they are used stands in [`mail_hosts`](crate::mail_hosts).
    ///
    /// # Errors
    /// See [`lookup`](Self::lookup).
    fn mx(&self, domain: &Name) -> impl Future<Output = Result<Answer<Mx>, LookupError>> + Send {
        typed(self, domain.clone())
    }

    /// The addresses of a host. The two families are asked for apart, at once; one that has addresses counts even
    /// if the other could not be asked. They come in the order to be tried, in turn from each family.
    ///
    /// # Errors
    /// See [`lookup`](Self::lookup). `NoSuchDomain` only if both families say so.
    fn addresses(
        &self,
        host: &Name,
        families: Families,
    ) -> impl Future<Output = Result<Answer<IpAddr>, LookupError>> + Send {
        let ask = |record_type: &RecordType| {
            let question = Question::new(host.clone(), *record_type);
            async move { self.lookup(&question).await }
        };
        let asked: Vec<_> = families.record_types().iter().map(ask).collect();
        async move { merge(join_all(asked).await) }
    }

    /// The texts at a name.
    ///
    /// # Errors
    /// See [`lookup`](Self::lookup).
    fn txt(&self, name: &Name) -> impl Future<Output = Result<Answer<Txt>, LookupError>> + Send {
        typed(self, name.clone())
    }

    /// The names of an address, which are only what its owner claims.
    ///
    /// # Errors
    /// See [`lookup`](Self::lookup).
    fn ptr(&self, address: IpAddr) -> impl Future<Output = Result<Answer<Name>, LookupError>> + Send {
        typed(self, Name::reverse(address))
    }

    /// What the certificate of a server at a TCP port must be (RFC 6698 §3). Worth nothing unless
    /// [`authentic`](Answer::authentic).
    ///
    /// # Errors
    /// See [`lookup`](Self::lookup). A host whose name is so long that it can have no such records has none.
    fn tlsa(&self, host: &Name, port: u16) -> impl Future<Output = Result<Answer<Tlsa>, LookupError>> + Send {
        let name = host.prefixed(&format!("_{port}._tcp"));
        async move {
            match name {
                Ok(name) => typed(self, name).await,
                Err(_) => Err(LookupError::NoRecords { ttl: None }),
            }
        }
    }
}

async fn typed<R: Resolver + ?Sized, T: Typed>(resolver: &R, name: Name) -> Result<Answer<T>, LookupError> {
    let answer = resolver.lookup(&Question::new(name, T::TYPE)).await?.filter_map(T::from_data);
    if answer.records.is_empty() { Err(LookupError::NoRecords { ttl: None }) } else { Ok(answer) }
}
