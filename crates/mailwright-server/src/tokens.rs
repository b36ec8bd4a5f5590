//! Who says whose a token is.

use std::net::IpAddr;

use mailwright_auth::{Token, TokenRefusal};
use mailwright_store::{BoxFuture, Unavailable};

/// Checks access tokens: asks whoever has issued them (RFC 7662), or checks their signature (RFC 9068).
///
/// Without one, no mechanism with tokens is offered.
pub trait CheckToken: Send + Sync + 'static {
    /// The login of the user whom this token stands for, or what the client is told. A client presents a token that has
    /// expired as a matter of course, so a refusal is not counted against its address.
    ///
    /// That the client may have named another user than the token stands for is found out by the server.
    ///
    /// # Errors
    /// If it cannot be told now: the client is to try again.
    fn check(
        &self,
        from: IpAddr,
        token: Token,
    ) -> BoxFuture<'_, Result<Result<String, TokenRefusal>, Unavailable>>;
}
