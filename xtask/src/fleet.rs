//! A small company's services for the pictures: most beat, one is late, some are DOWN, some left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::http;

/// How an instance behaves after it has registered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Beats every 20 s.
    Beats,
    /// Registers once with this ttl, in seconds.
    Silent(u32),
    /// Registers and takes its leave.
    Leaves,
}

/// Name, address, tag and life.
const INSTANCES: [(&str, &str, &str, Life); 17] = [
    ("api-gateway", "10.4.0.10:8443", "edge", Life::Beats),
    ("auth-service", "10.4.0.20:8080", "core", Life::Beats),
    ("billing-api", "10.4.1.14:8080", "money", Life::Beats),
    ("billing-worker", "10.4.1.15", "money", Life::Leaves),
    ("catalog", "10.4.2.31:9000", "shop", Life::Beats),
    ("checkout", "10.4.2.40:9000", "shop", Life::Beats),
    ("checkout", "10.4.2.41:9000", "shop", Life::Beats),
    ("geo-lookup", "geo.internal:7070", "core", Life::Beats),
    ("image-resizer", "10.4.3.7", "media", Life::Silent(2)),
    ("mail-relay", "10.4.1.9:25", "core", Life::Silent(60)),
    (
        "payment-gateway-eu",
        "10.4.2.17:8443",
        "money",
        Life::Silent(12),
    ),
    ("recommendations", "10.4.5.2:8500", "shop", Life::Beats),
    (
        "search-indexer",
        "10.4.7.3:9200",
        "search",
        Life::Silent(25),
    ),
    ("session-cache", "[fd12:4::6]:6379", "core", Life::Beats),
    ("stock-sync", "10.4.6.12:8080", "shop", Life::Beats),
    ("user-profile", "10.4.0.33:8080", "core", Life::Beats),
    ("web-frontend", "10.4.0.8:443", "edge", Life::Beats),
];

/// How often the beating ones beat.
const BEAT_EVERY_S: usize = 20;

/// How long the daemon keeps a DOWN instance in this scene.
pub(crate) const REMOVE_AFTER: &str = "45s";

/// When the scene is as it should be: `mail-relay` is late from second 45 to 60,
/// `image-resizer` is GONE from 47, `payment-gateway-eu` leaves at 57.
pub(crate) const READY_AFTER: Duration = Duration::from_millis(47_500);

/// Keeps the fleet alive until dropped.
pub(crate) struct Fleet {
    /// When the first registered.
    pub(crate) began: Instant,
    stop: Arc<AtomicBool>,
    beating: Option<JoinHandle<()>>,
}

impl Fleet {
    /// Registers everyone and lets those beat that beat.
    ///
    /// # Errors
    /// When a registration is refused.
    pub(crate) fn start(daemon: SocketAddr) -> Result<Self> {
        let began = Instant::now();
        for (name, ip, tag, life) in INSTANCES {
            let mut body = json!({"name": name, "ip": ip, "tags": [tag]});
            if let Life::Silent(ttl_s) = life {
                body["ttl_s"] = ttl_s.into();
            }
            http::ask(daemon, "POST", "/register", &body)?;
            if life == Life::Leaves {
                let path = format!("/deregister/{name}");
                http::ask(daemon, "POST", &path, &Value::Null)?;
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let beating = std::thread::spawn(move || beat_until(daemon, &stopped));
        Ok(Self {
            began,
            stop,
            beating: Some(beating),
        })
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(beating) = self.beating.take() {
            // It panics never; a panic would only spoil a picture.
            drop(beating.join());
        }
    }
}

fn beat_until(daemon: SocketAddr, stopped: &AtomicBool) {
    for second in 0_usize.. {
        if stopped.load(Ordering::Relaxed) {
            return;
        }
        for (index, (name, ip, ..)) in INSTANCES
            .iter()
            .enumerate()
            .filter(|(_, (.., life))| *life == Life::Beats)
        {
            // Spread over the interval, as in real life.
            if (second + index * 7).is_multiple_of(BEAT_EVERY_S) {
                let body = json!({"name": name, "ip": ip});
                if let Err(error) = http::ask(daemon, "POST", "/register", &body) {
                    eprintln!("   {name} cannot beat: {error:#}");
                }
            }
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
