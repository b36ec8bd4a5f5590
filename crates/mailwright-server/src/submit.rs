//! What users send (RFC 6409): who has logged in may send as himself only, and what a message lacks is added to it.

use bytes::Bytes;
use mailwright_core::{Address, Domain, ForwardPath, ReversePath, Timestamp};
use mailwright_message::submission::{Completion, Fed, HeaderReader, InvalidHeader, SubmittedHeader};
use mailwright_smtp::Rejection;
use mailwright_store::{BlobWriter, Directory, Resolution, Store};
use mailwright_tokio::smtp::Verdict;

use crate::content::{Arriving, Keeping};
use crate::shared::Shared;

impl<S: Store, D: Directory> Shared<S, D> {
    /// Whether a user may send as all of these (RFC 6409 §6.1).
    pub(crate) async fn check_senders(&self, user: &str, senders: &[ReversePath]) -> Verdict {
        let known = self.directory.credentials(user).await?.ok_or_else(Rejection::auth_unavailable)?;
        for sender in senders {
            if !self.directory.may_send(known.account, sender).await? {
                return Err(Rejection::new(550, (5, 7, 1), format!("{user} may not send as {sender}"))?);
            }
        }
        Ok(())
    }

    /// RFC 6409 §4.2: a name that says something only where it was written has no place in what goes elsewhere. One of our
    /// own says it here.
    async fn check_qualified(&self, domain: &Domain) -> Verdict {
        let postmaster = format!("postmaster@{domain}").parse().map_err(Rejection::from)?;
        match self.directory.resolve(&ForwardPath::Address(postmaster)).await? {
            Resolution::Remote(_) => Err(Rejection::bad_content()
                .with_text(format!("{domain}, in an address, is not a fully-qualified domain"))),
            _ => Ok(()),
        }
    }

    /// Takes a message that `user` sends up to the end of its header, and keeps it with what it lacks; and of the body
    /// what has come with it. Says which fields were missing.
    pub(crate) async fn submit_header(
        &self,
        user: &str,
        from: &ReversePath,
        now: Timestamp,
        arriving: &mut Arriving,
        keeping: &mut Keeping<impl BlobWriter>,
    ) -> Verdict<String> {
        let mut reader = HeaderReader::new(self.header_limits.clone());
        let (header, rest) = loop {
            let Some(piece) = arriving.next().await? else {
                break (reader.finish().map_err(refusal)?, Bytes::new());
            };
            match reader.feed(&piece).map_err(refusal)? {
                Fed::More(more) => reader = more,
                Fed::Whole { header, taken } => break (header, piece.slice(taken.min(piece.len())..)),
            }
        };
        let author = author(user, from, &header)?;
        if self.check_from {
            let others = header.from().iter().skip(1).chain(header.sender());
            let named = [&author].into_iter().chain(others).cloned();
            self.check_senders(user, &named.map(ReversePath::Address).collect::<Vec<_>>()).await?;
        }
        for domain in header.unqualified() {
            self.check_qualified(domain).await?;
        }
        let (hostname, nonce) = (&self.hostname, self.random());
        let missing = header.missing(&Completion { from: &author, hostname, now, nonce });
        let names = missing.lines().filter_map(|field| Some(field.split_once(':')?.0));
        let names = names.collect::<Vec<_>>().join(", ");
        keeping.write(missing.into()).await?;
        keeping.write(header.into_octets()).await?;
        keeping.write(rest).await?;
        Ok(names)
    }
}

/// Who has written a message, if need be by the login. That need not be an address: then it is whom the user sends as.
fn author(user: &str, from: &ReversePath, header: &SubmittedHeader) -> Verdict<Address> {
    let login = || user.parse().ok().or_else(|| from.address().cloned());
    header.from().first().cloned().or_else(login).ok_or_else(|| {
        let text = format!("the field From is missing, and {user} is no address to write there");
        Rejection::bad_content().with_text(text)
    })
}

/// Who has written the program can mend it: other servers never see this.
fn refusal(invalid: InvalidHeader) -> Rejection {
    Rejection::bad_content().with_text(invalid.to_string())
}
