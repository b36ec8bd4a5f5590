//! Futures on the heap.

use std::future::Future;
use std::pin::Pin;

/// A future on the heap, of whatever type.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
