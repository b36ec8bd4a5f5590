//! What is offered behind EHLO.

use super::machine::Server;
use super::state::Remark;
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

    pub(super) fn offers_auth(&self) -> bool {
        !self.config.auth_mechanisms.is_empty()
            && (self.session.tls.is_some() || self.config.auth_without_tls)
            && !self.session.authenticated
    }

    /// Says the server's name, and a line for each extension (RFC 5321 §4.1.1.1).
    pub(super) fn offer(&mut self) {
        let (config, offered) = (&self.config, &self.config.extensions);
        let limits = &config.limits;
        let size = limits.message_size.to_string();
        let counts = format!("RCPTMAX={} MAILMAX={}", limits.recipients, limits.transactions);
        let held = offered.future_release.as_ref().zip(self.max_until.as_ref());
        let held = held.map(|(held, until)| format!("{} {until}", held.max_interval.as_secs()));
        let least = offered.deliver_by.map(|least| match least.is_zero() {
            true => String::new(),
            false => least.as_secs().to_string(),
        });
        let mechanisms = if self.offers_auth() { config.auth_mechanisms.join(" ") } else { String::new() };
        let (priorities, classes) = (offered.mt_priority.as_deref(), offered.no_soliciting.as_deref());
        let urls = offered.burl.as_deref().filter(|_| self.offers_burl());
        let flag = |is_offered: bool| is_offered.then_some("");
        let plain = |extension: Extension| (extension.keyword(), flag(self.offers(extension)));
        let lines = [
            ("PIPELINING", flag(offered.pipelining)),
            ("SIZE", offered.size.then_some(&size)),
            plain(Extension::EightBitMime),
            plain(Extension::SmtpUtf8),
            plain(Extension::Dsn),
            ("ENHANCEDSTATUSCODES", flag(offered.enhanced_status_codes)),
            ("CHUNKING", flag(offered.chunking)),
            plain(Extension::BinaryMime),
            plain(Extension::RequireTls),
            plain(Extension::Rrvs),
            ("LIMITS", offered.limits.then_some(&counts)),
            ("FUTURERELEASE", held.as_deref()),
            ("DELIVERBY", least.as_deref()),
            ("MT-PRIORITY", priorities),
            ("NO-SOLICITING", classes),
            ("BURL", urls),
            ("ETRN", flag(offered.etrn)),
            ("STARTTLS", flag(config.start_tls && self.session.tls.is_none())),
            ("AUTH", self.offers_auth().then_some(&mechanisms)),
            ("XCLIENT", self.trusted.then_some(XClient::OFFERED)),
        ];
        let remark = self.remark.take();
        let mut reply = Reply::new(&mut self.output, 250, None);
        reply.line([&config.hostname, "", ""]);
        for (keyword, params) in lines {
            match params {
                Some("") => reply.line([keyword, "", ""]),
                Some(params) => reply.line([keyword, " ", params]),
                None => {}
            }
        }
        reply.end(Remark::lines(remark.as_deref()));
        self.output.release();
    }
}
