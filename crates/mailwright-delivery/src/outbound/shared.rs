//! What all attempts have in common.

use std::sync::Arc;
use std::time::Duration;

use mailwright_tokio::DriverConfig;

use super::config::OutboundConfig;
use super::environment::Environment;
use super::memory::Memory;
use super::pool::Pool;

/// So that no sum of times is beyond all clocks.
const TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
const KEEP_MAX: Duration = Duration::from_secs(4 * 60);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: OutboundConfig,
    pub(super) environment: Environment,
    pub(super) driver: Arc<DriverConfig>,
    pub(super) pool: Pool,
    pub(super) memory: Memory,
}

impl Shared {
    pub(super) fn new(mut config: OutboundConfig, mut environment: Environment) -> Self {
        for time in [&mut config.deadline, &mut config.remember_unreachable, &mut config.remember_broken_tls]
        {
            *time = (*time).min(TIME_MAX);
        }
        if let Some(via) = config.via.take() {
            environment.dial = via.over(environment.dial);
        }
        config.client.timeouts.idle = config.pool.keep.min(KEEP_MAX);
        let driver = DriverConfig {
            handshake: config.client.timeouts.tls,
            // A peer that does not read is the machine's affair, which knows the stage.
            write_grace: config.deadline,
            ..DriverConfig::default()
        };
        let pool = Pool::new(config.pool.clone());
        let memory = Memory::new(config.remembered);
        Self { config, environment, driver: Arc::new(driver), pool, memory }
    }
}
