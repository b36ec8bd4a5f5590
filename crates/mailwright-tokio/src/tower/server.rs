//! An SMTP server as a service.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use super::connection::Connection;
use crate::smtp::{SmtpHandler, SmtpServer};

/// Serves each connection as [`SmtpServer::session`] does.
impl<H: SmtpHandler> Service<Connection> for Arc<SmtpServer<H>> {
    type Response = ();
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<(), Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: Connection) -> Self::Future {
        let server = Self::clone(self);
        Box::pin(async move {
            server.session(connection.io, connection.peer).await;
            Ok(())
        })
    }
}
