//! What is offered behind EHLO.

use super::machine::Server;
use crate::params::Extension;
use crate::xclient::XClient;

/// Octets of an offer, about.
const LEN: usize = 512;

impl Server {
    /// Whether what belongs to this extension is taken.
    pub(super) fn offers(&self, extension: Extension) -> bool {
        let offered = &self.config.extensions;
        match extension {
            Extension::EightBitMime => offered.eight_bit_mime,
            Extension::BinaryMime => offered.binary_mime && offered.chunking,
            // RFC 6531 §3.1: not without 8BITMIME.
            Extension::SmtpUtf8 => offered.smtp_utf8 && offered.eight_bit_mime,
            Extension::Dsn => offered.dsn,
            // RFC 8689 §2: only where there is TLS already.
            Extension::RequireTls => offered.require_tls && self.session.tls.is_some(),
            Extension::FutureRelease => offered.future_release.is_some() && self.max_until.is_some(),
            Extension::DeliverBy => offered.deliver_by.is_some(),
            Extension::MtPriority => offered.mt_priority.is_some(),
            Extension::Rrvs => offered.rrvs,
            Extension::NoSoliciting => offered.no_soliciting.is_some(),
        }
    }

    /// RFC 4468 §4: not without 8BITMIME.
    pub(super) fn offers_burl(&self) -> bool {
        self.config.extensions.burl.is_some() && self.config.extensions.eight_bit_mime
    }

    pub(super) fn offers_auth(&self) -> bool {
        !self.config.auth_mechanisms.is_empty()
            && (self.session.tls.is_some() || self.config.auth_without_tls)
            && !self.session.authenticated
    }

    /// The server's name, and a line for each extension (RFC 5321 §4.1.1.1).
    pub(super) fn offer(&self) -> String {
        let (config, offered) = (&self.config, &self.config.extensions);
        let mut text = String::with_capacity(LEN);
        text.push_str(&config.hostname);
        let mut line = |is_offered: bool, keyword: &str, params: &str| {
            if is_offered {
                let blank = if params.is_empty() { "" } else { " " };
                ["\n", keyword, blank, params].iter().for_each(|part| text.push_str(part));
            }
        };
        line(offered.pipelining, "PIPELINING", "");
        line(offered.size, "SIZE", &config.limits.message_size.to_string());
        for extension in [Extension::EightBitMime, Extension::SmtpUtf8, Extension::Dsn] {
            line(self.offers(extension), extension.keyword(), "");
        }
        line(offered.enhanced_status_codes, "ENHANCEDSTATUSCODES", "");
        line(offered.chunking, "CHUNKING", "");
        for extension in [Extension::BinaryMime, Extension::RequireTls, Extension::Rrvs] {
            line(self.offers(extension), extension.keyword(), "");
        }
        let limits = format!("RCPTMAX={} MAILMAX={}", config.limits.recipients, config.limits.transactions);
        line(offered.limits, "LIMITS", &limits);
        if let (Some(held), Some(max_until)) = (&offered.future_release, &self.max_until) {
            line(true, "FUTURERELEASE", &format!("{} {max_until}", held.max_interval.as_secs()));
        }
        if let Some(least) = offered.deliver_by {
            let least = if least.is_zero() { String::new() } else { least.as_secs().to_string() };
            line(true, "DELIVERBY", &least);
        }
        line(
            offered.mt_priority.is_some(),
            "MT-PRIORITY",
            offered.mt_priority.as_deref().unwrap_or_default(),
        );
        line(
            offered.no_soliciting.is_some(),
            "NO-SOLICITING",
            offered.no_soliciting.as_deref().unwrap_or_default(),
        );
        line(self.offers_burl(), "BURL", offered.burl.as_deref().unwrap_or_default());
        line(offered.etrn, "ETRN", "");
        line(config.start_tls && self.session.tls.is_none(), "STARTTLS", "");
        line(self.offers_auth(), "AUTH", &config.auth_mechanisms.join(" "));
        line(self.trusted, "XCLIENT", XClient::OFFERED);
        text
    }
}
