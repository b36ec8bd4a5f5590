//! Any way to deliver behind one type.

use std::pin::Pin;
use std::sync::Arc;

use mailwright_store::{Claimed, Store};

use crate::deliver::{Deliver, Delivery, Parts};

/// Any way to deliver behind one type: `Arc<dyn DynDeliver<S>>` is itself a [`Deliver`].
pub trait DynDeliver<S>: Send + Sync + 'static {
    /// See [`Deliver::deliver`].
    fn deliver_boxed<'a>(
        &'a self,
        store: &'a Arc<S>,
        claimed: &'a Claimed,
        parts: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Delivery> + Send + 'a>>;

    /// See [`Deliver::close`].
    fn close_boxed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<S: Store, X: Deliver<S>> DynDeliver<S> for X {
    fn deliver_boxed<'a>(
        &'a self,
        store: &'a Arc<S>,
        claimed: &'a Claimed,
        parts: &'a Parts,
    ) -> Pin<Box<dyn Future<Output = Delivery> + Send + 'a>> {
        Box::pin(self.deliver(store, claimed, parts))
    }

    fn close_boxed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.close())
    }
}

impl<S: Store> Deliver<S> for Arc<dyn DynDeliver<S>> {
    async fn deliver(&self, store: &Arc<S>, claimed: &Claimed, parts: &Parts) -> Delivery {
        // Of what is inside, and not of the `Arc` again.
        (**self).deliver_boxed(store, claimed, parts).await
    }

    async fn close(&self) {
        (**self).close_boxed().await;
    }
}
