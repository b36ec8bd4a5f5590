//! In which form a content goes to a server.

use std::ops::Range;

use mailwright_core::BlobId;
use mailwright_message::ScanLimits;
use mailwright_message::conversion::{Carries, Conversion, Converter, NotConvertible, Survey, Surveyed};
use mailwright_queue::{AttemptStage, Body, Envelope};
use mailwright_smtp::Extension;
use mailwright_smtp::client::Capabilities;
use mailwright_store::{BlobError, BlobReader, QueueEntry, Store};

use super::config::EightBit;
use super::words::{Words, code};

/// In which form a content goes to a server.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) blob: BlobId,
    /// Which octets of the blob are sent: all, but for what stays here.
    pub(super) octets: Range<u64>,
    /// What is changed on the way.
    pub(super) conversion: Conversion,
    /// Octets, as they are sent.
    pub(super) size: u64,
    /// What octets the server has to take.
    pub(super) body: Option<mailwright_smtp::Body>,
    /// It has to know SMTPUTF8.
    pub(super) smtp_utf8: bool,
}

/// Why there is none for this server.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It could not be changed.
    NotConvertible(Extension, NotConvertible),
    /// It could not be read.
    Unreadable(BlobError),
}

impl From<BlobError> for Unfit {
    fn from(error: BlobError) -> Self {
        Self::Unreadable(error)
    }
}

impl Form {
    fn as_it_is(entry: &QueueEntry, envelope: &Envelope) -> Self {
        let octets = envelope.begin.min(entry.size)..entry.size;
        Self {
            blob: entry.blob,
            conversion: Conversion::default(),
            size: octets.end.saturating_sub(octets.start),
            octets,
            body: match envelope.body {
                // Nobody has looked whether it is.
                Body::SevenBit => None,
                Body::EightBitMime => Some(mailwright_smtp::Body::EightBitMime),
                Body::BinaryMime => Some(mailwright_smtp::Body::BinaryMime),
            },
            smtp_utf8: envelope.smtputf8,
        }
    }

    /// For a server that offers this: as it is, if it can be. What cannot be changed, and may not be as it is, is for
    /// the client to refuse.
    pub(super) async fn fit<S: Store>(
        store: &S,
        (entry, envelope): (&QueueEntry, &Envelope),
        offers: &Capabilities,
        eight_bit: EightBit,
    ) -> Result<Self, Unfit> {
        let mut form = Self::as_it_is(entry, envelope);
        let lacking = lacking(envelope.body, offers);
        let lacks_utf8 = envelope.smtputf8 && !offers.smtp_utf8;
        if lacking.is_none() && !lacks_utf8 {
            return Ok(form);
        }
        let carries = if offers.eight_bit_mime { Carries::EightBit } else { Carries::SevenBit };
        let Surveyed { ascii_headers, conversion } = form.survey(store, carries).await?;
        if lacks_utf8 && !ascii_headers {
            // No conversion helps (RFC 6531 §3.5).
            form.body = None;
            return Ok(form);
        }
        // RFC 6531 §3.4: what does not need it, needs not say so.
        form.smtp_utf8 &= !lacks_utf8;
        let Some(extension) = lacking else { return Ok(form) };
        let conversion = match (conversion, eight_bit) {
            (Ok(conversion), EightBit::Reencode) => conversion,
            (Ok(conversion), EightBit::Return) if conversion.is_empty() => conversion,
            (_, EightBit::Return) => return Ok(form),
            (Err(why), EightBit::Reencode) => return Err(Unfit::NotConvertible(extension, why)),
        };
        form.conversion = conversion;
        form.body = offers.eight_bit_mime.then_some(mailwright_smtp::Body::EightBitMime);
        // Only who has limits wants to know.
        if !form.conversion.is_empty() && offers.size.is_some() {
            form.size = form.count(store).await?;
        }
        Ok(form)
    }

    async fn survey<S: Store>(&self, store: &S, carries: Carries) -> Result<Surveyed, BlobError> {
        let mut survey = Survey::new(carries, ScanLimits::default());
        let mut reader = store.read_blob(self.blob, self.octets.clone()).await?;
        while let Some(piece) = reader.next().await? {
            survey.feed(&piece);
        }
        Ok(survey.finish())
    }

    async fn count<S: Store>(&self, store: &S) -> Result<u64, BlobError> {
        let (mut converter, mut converted, mut size) = (Converter::new(&self.conversion), Vec::new(), 0);
        let mut reader = store.read_blob(self.blob, self.octets.clone()).await?;
        while let Some(piece) = reader.next().await? {
            converted.clear();
            converter.feed(&piece, &mut converted);
            size += u64::try_from(converted.len()).unwrap_or_default();
        }
        Ok(size)
    }
}

/// What the server would have to offer for the content as it is.
fn lacking(body: Body, offers: &Capabilities) -> Option<Extension> {
    let extension = match body {
        Body::SevenBit => return None,
        Body::EightBitMime => Extension::EightBitMime,
        Body::BinaryMime => Extension::BinaryMime,
    };
    Some(extension).filter(|extension| !offers.offers(*extension))
}

impl Unfit {
    pub(super) fn words(&self) -> Words {
        match self {
            Self::NotConvertible(extension, why) => {
                let text = format!(
                    "the server does not offer {extension}, and the message cannot be converted: {why}"
                );
                Words::seen(AttemptStage::Mail, code::CONVERSION_NEEDED, text)
            }
            Self::Unreadable(why) => {
                let text = format!("the content cannot be read here: {why}");
                Words::seen(AttemptStage::Mail, code::LOCAL, text)
            }
        }
    }
}
