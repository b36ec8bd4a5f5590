//! What all attempts have in common.

use std::sync::Arc;

use mailwright_tokio::DriverConfig;

use super::config::OutboundConfig;
use super::environment::Environment;
use super::pool::Pool;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: OutboundConfig,
    pub(super) environment: Environment,
    pub(super) driver: Arc<DriverConfig>,
    pub(super) pool: Pool,
}

impl Shared {
    pub(super) fn new(config: OutboundConfig, environment: Environment) -> Self {
        let driver = DriverConfig {
            handshake: config.client.timeouts.tls,
            // A peer that does not read is the machine's affair, which knows the stage.
            write_grace: config.deadline,
            ..DriverConfig::default()
        };
        let pool = Pool::new(config.pool.clone());
        Self { config, environment, driver: Arc::new(driver), pool }
    }
}
