//! A resolver that asks recursive name servers, in the words of hickory.

mod config;
mod exchange;
mod reply;
mod resolv_conf;
mod server;

pub use config::HickoryConfig;
pub use server::Hickory;
