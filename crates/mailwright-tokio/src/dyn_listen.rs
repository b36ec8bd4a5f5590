//! Any listener behind one type.

use std::future::Future;
use std::io;
use std::pin::Pin;

use crate::listener::{Listen, Peer};
use crate::transport::Io;

/// A connection on its way.
pub type Accepting<'a> = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Io>, Peer)>> + Send + 'a>>;

/// Any listener behind one type: `Box<dyn DynListen>` is itself a [`Listen`], at the price of a box a connection.
///
/// ```
/// use mailwright_tokio::DynListen;
/// use tokio::net::TcpListener;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener: Box<dyn DynListen> = Box::new(TcpListener::bind("127.0.0.1:0").await?);
/// # Ok(()) }
/// ```
pub trait DynListen: ErasedListen {}

impl<L: Listen> DynListen for L {}

/// The methods of [`DynListen`]. Never in scope by name, so that they do not compete with [`Listen`]'s.
pub trait ErasedListen: Send + 'static {
    /// See [`Listen::accept`].
    fn accept(&mut self) -> Accepting<'_>;
}

impl<L: Listen> ErasedListen for L {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(Listen::accept(self))
    }
}

impl Listen for Box<dyn DynListen> {
    async fn accept(&mut self) -> io::Result<(Box<dyn Io>, Peer)> {
        // Of what is inside, and not of the box again.
        ErasedListen::accept(&mut **self).await
    }
}
