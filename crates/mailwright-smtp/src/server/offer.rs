//! What is offered behind EHLO.

use mailwright_core::mechanisms_on;

use super::machine::Server;
use crate::params::Extension;
use crate::reply::Reply;
use crate::xclient::XClient;

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

    /// The mechanisms that can be had on this connection.
    pub(super) fn mechanisms(&self) -> impl Iterator<Item = &str> {
        mechanisms_on(self.session.tls.as_ref(), &self.config.auth_mechanisms)
    }

    pub(super) fn offers_auth(&self) -> bool {
        self.mechanisms().next().is_some()
            && (self.session.tls.is_some() || self.config.auth_without_tls)
            && !self.session.authenticated
    }

    /// Says the server's name, and a line for each extension (RFC 5321 §4.1.1.1).
    pub(super) fn offer(&mut self) {
        let (config, offered) = (&self.config, &self.config.extensions);
        let limits = &config.limits;
        let mut reply = Reply::new(250, None);
        let flag = |reply: &mut Reply, is_offered: bool, keyword: &'static str| {
            if is_offered {
                reply.line(&[keyword]);
            }
        };
        let plain = |reply: &mut Reply, extension: Extension| {
            flag(reply, self.offers(extension), extension.keyword());
        };
        reply.line(&[&config.hostname]);
        flag(&mut reply, offered.pipelining, "PIPELINING");
        if offered.size {
            reply.line(&["SIZE ", &limits.message_size.to_string()]);
        }
        plain(&mut reply, Extension::EightBitMime);
        plain(&mut reply, Extension::SmtpUtf8);
        plain(&mut reply, Extension::Dsn);
        flag(&mut reply, offered.enhanced_status_codes, "ENHANCEDSTATUSCODES");
        flag(&mut reply, offered.chunking, "CHUNKING");
        plain(&mut reply, Extension::BinaryMime);
        plain(&mut reply, Extension::RequireTls);
        plain(&mut reply, Extension::Rrvs);
        if offered.limits {
            let (recipients, transactions) = (limits.recipients.to_string(), limits.transactions.to_string());
            reply.line(&["LIMITS RCPTMAX=", &recipients, " MAILMAX=", &transactions]);
        }
        if let (Some(held), Some(max_until)) = (&offered.future_release, &self.max_until) {
            let seconds = held.max_interval.as_secs().to_string();
            reply.line(&["FUTURERELEASE ", &seconds, " ", max_until.as_str()]);
        }
        if let Some(least) = offered.deliver_by {
            let seconds = if least.is_zero() { String::new() } else { format!(" {}", least.as_secs()) };
            reply.line(&["DELIVERBY", &seconds]);
        }
        for (keyword, params) in [
            ("MT-PRIORITY", &offered.mt_priority),
            ("NO-SOLICITING", &offered.no_soliciting),
            ("BURL", if self.offers_burl() { &offered.burl } else { &None }),
        ] {
            match params.as_deref() {
                Some("") => reply.line(&[keyword]),
                Some(params) => reply.line(&[keyword, " ", params]),
                None => {}
            }
        }
        flag(&mut reply, offered.etrn, "ETRN");
        flag(&mut reply, config.start_tls && self.session.tls.is_none(), "STARTTLS");
        if self.offers_auth() {
            reply.line(&["AUTH ", &self.mechanisms().collect::<Vec<_>>().join(" ")]);
        }
        if self.trusted {
            reply.line(&["XCLIENT ", XClient::OFFERED]);
        }
        self.put(reply);
        self.output.release();
    }
}
