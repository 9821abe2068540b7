//! The part of a row that moves seldom, behind a pointer, so that lists read it without the lock.

use std::collections::BTreeMap;

use lastbeat_proto::{Address, InstanceId, ServiceName, Span, Timestamp};

use crate::state::fixed;
use crate::state::record::InstanceRecord;

/// The part of a row that only a registration changes; replaced whole, never changed.
#[derive(Debug)]
pub struct Detail {
    /// Row number.
    pub id: i64,
    /// Name of the service.
    pub name: ServiceName,
    /// What tells the instances of one service apart.
    pub instance: InstanceId,
    /// Where it is.
    pub address: Address,
    /// Its port, where one was given.
    pub port: Option<u16>,
    /// How long a heartbeat counts, where the registration said so.
    pub own_ttl: Option<Span>,
    /// Wall time of the first registration.
    pub first_seen: Timestamp,
    /// Whether its texts stand in JSON as they are, so that no list has to look through them.
    pub(in crate::state) is_plain: bool,
    /// Most have none, and pay for the pointer only.
    labels: Option<Box<Labels>>,
}

/// What an instance says about itself.
#[derive(Debug)]
struct Labels {
    tags: Vec<String>,
    metadata: BTreeMap<String, String>,
    /// Both as JSON, from the comma before them on: it may have eleven KiB, and lists are written
    /// under the lock.
    json: Box<[u8]>,
}

/// The metadata of who has none.
static NO_METADATA: BTreeMap<String, String> = BTreeMap::new();

impl Detail {
    /// Labels, in the order given.
    pub fn tags(&self) -> &[String] {
        self.labels.as_ref().map_or(&[], |labels| &labels.tags)
    }

    /// Pairs of texts.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.labels
            .as_ref()
            .map_or(&NO_METADATA, |labels| &labels.metadata)
    }

    /// Both as JSON, from the comma before them on.
    pub(in crate::state) fn labels_json(&self) -> &[u8] {
        self.labels
            .as_ref()
            .map_or(b",\"tags\":[],\"metadata\":{}", |labels| &labels.json)
    }
}

impl From<InstanceRecord> for Detail {
    fn from(record: InstanceRecord) -> Self {
        let has_labels = !record.tags.is_empty() || !record.metadata.is_empty();
        let labels = || Labels {
            json: fixed::labels(&record.tags, &record.metadata).into_boxed_slice(),
            tags: record.tags,
            metadata: record.metadata,
        };
        let texts = [
            record.name.as_str(),
            record.instance.as_str(),
            record.address.as_str(),
        ];
        let is_plain = texts.into_iter().all(fixed::is_plain);
        Self {
            is_plain,
            id: record.id,
            name: record.name,
            instance: record.instance,
            address: record.address,
            port: record.port,
            own_ttl: record.ttl,
            first_seen: record.first_seen,
            labels: has_labels.then(|| Box::new(labels())),
        }
    }
}
