//! Any resolver behind one type.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::Question;
use crate::resolver::Resolver;

/// A future on the heap, of whatever type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Any resolver behind one type: `Arc<dyn DynResolver>` is itself a [`Resolver`], at the price of a box a lookup.
///
/// ```
/// use std::sync::Arc;
///
/// use mailwright_dns::{DynResolver, Zones};
///
/// let resolver: Arc<dyn DynResolver> = Arc::new("example.org. 300 MX 10 mx.example.org.".parse::<Zones>()?);
/// # Ok::<_, mailwright_dns::InvalidZone>(())
/// ```
pub trait DynResolver: ErasedResolver {}

impl<R: Resolver> DynResolver for R {}

/// The methods of [`DynResolver`]. Never in scope by name, so that they do not compete with [`Resolver`]'s.
pub trait ErasedResolver: Send + Sync {
    /// See [`Resolver::lookup`].
    fn lookup<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answer, LookupError>>;
}

impl<R: Resolver> ErasedResolver for R {
    fn lookup<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answer, LookupError>> {
        Box::pin(Resolver::lookup(self, question))
    }
}

// For any lifetime, since the compiler forgets which it was when the future is spawned.
impl Resolver for Arc<dyn DynResolver + '_> {
    async fn lookup(&self, question: &Question) -> Result<Answer, LookupError> {
        ErasedResolver::lookup(&**self, question).await
    }
}
