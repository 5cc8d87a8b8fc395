//! Whom telemetry is about: the host, or one container on it.

use std::sync::Arc;

use eunomia_core::component::Host;
use eunomia_core::key::Key;
use eunomia_core::subject::Container;
use eunomia_core::value::Value;

use super::format::{Format, Lists};
use super::json::{end, write_object};
use super::json_tables;
use crate::protobuf::{Reader, Writer, write_varint};
use crate::resource::{VERSION, host_attributes};

/// What the instrumentation scope is called.
const SCOPE: &str = "eunomia-pipeline";

/// Fields that requests, `ResourceLogs` and `ResourceMetrics` have alike.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPES: u32 = 2;
const SCOPE_SCOPE: u32 = 1;
/// Field of `Resource`.
const ATTRIBUTES: u32 = 1;
/// Fields of `InstrumentationScope`.
const NAME: u32 = 1;
const SCOPE_VERSION: u32 = 2;

/// Prepared parts of every request from this host.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// What it is written as.
    pub(super) format: Format,
    lists: &'static Lists,
    /// The host's attributes, as fields of a `Resource`.
    host: Box<[u8]>,
    /// The scope, as field of a `ScopeLogs` or `ScopeMetrics`.
    scope: Box<[u8]>,
}

impl Envelope {
    pub(super) fn new(host: &Host, format: Format, lists: &'static Lists) -> Self {
        let mut fields = Vec::new();
        for (key, value) in host_attributes(host) {
            Writer(&mut fields).attribute(ATTRIBUTES, &Key::new(key), Value::Str(value));
        }
        let mut scope = Vec::new();
        Writer(&mut scope).message(SCOPE_SCOPE, |scope| {
            scope.bytes(NAME, SCOPE.as_bytes());
            scope.bytes(SCOPE_VERSION, VERSION.as_bytes());
        });
        Self {
            format,
            lists,
            host: fields.into(),
            scope: scope.into(),
        }
    }

    /// Begins a request.
    pub(super) fn begin(&self, body: &mut Vec<u8>) {
        self.format.begin(self.lists, body);
    }

    /// Ends a request.
    pub(super) fn end(&self, body: &mut Vec<u8>) {
        self.format.end(body);
    }

    /// The resource of `container`, or of the host, with the scope behind it:
    /// all that comes before the records.
    pub(super) fn group(&self, container: Option<&Arc<Container>>) -> Group {
        let mut resource = Vec::new();
        Writer(&mut resource).message(RESOURCE, |resource| {
            resource.0.extend_from_slice(&self.host);
            let attributes = container.iter().flat_map(|one| one.attributes.iter());
            for (key, value) in attributes {
                resource.attribute(ATTRIBUTES, key, value);
            }
        });
        let (resource, scope) = match self.format {
            Format::Protobuf => (resource.into(), self.scope.clone()),
            Format::Json => self.json_group(&resource),
        };
        Group {
            format: self.format,
            container: container.cloned(),
            resource,
            scope,
            items: Vec::new(),
        }
    }

    /// What stands before the items of a group, and behind them.
    fn json_group(&self, resource: &[u8]) -> (Box<[u8]>, Box<[u8]>) {
        let resource = Reader::new(resource).bytes(RESOURCE).unwrap_or_default();
        let scope = Reader::new(&self.scope).bytes(SCOPE_SCOPE);
        let mut head = b"{\"resource\":".to_vec();
        write_object(&json_tables::RESOURCE, resource, &mut head);
        head.extend_from_slice(self.lists.scopes.as_bytes());
        write_object(&json_tables::SCOPE, scope.unwrap_or_default(), &mut head);
        head.extend_from_slice(self.lists.items.as_bytes());
        (head.into(), b"}]},"[..].into())
    }
}

/// What is about one resource.
#[derive(Clone, Debug)]
pub(super) struct Group {
    format: Format,
    container: Option<Arc<Container>>,
    /// The resource; in JSON all that stands before the items.
    resource: Box<[u8]>,
    /// The scope; in JSON all that stands behind the items.
    scope: Box<[u8]>,
    /// Log records or metrics, as fields of a `ScopeLogs` or `ScopeMetrics`.
    pub(super) items: Vec<u8>,
}

impl Group {
    /// Whether it is about `container`, or the host. What is known of a
    /// container may change: then it is another resource.
    pub(super) fn is_about(&self, container: Option<&Arc<Container>>) -> bool {
        match (&self.container, container) {
            (None, None) => true,
            (Some(own), Some(other)) => {
                Arc::ptr_eq(own, other)
                    || (own.id == other.id && own.attributes == other.attributes)
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Bytes that it takes beside its items, roughly.
    pub(super) fn overhead(&self) -> usize {
        const TAGS_AND_LENGTHS: usize = 32;
        self.resource.len() + self.scope.len() + TAGS_AND_LENGTHS
    }

    /// Appends it to a request.
    pub(super) fn write(&self, request: &mut Vec<u8>) {
        match self.format {
            Format::Protobuf => self.write_protobuf(request),
            Format::Json => {
                request.extend_from_slice(&self.resource);
                request.extend_from_slice(&self.items);
                end(b']', request);
                request.extend_from_slice(&self.scope);
            }
        }
    }

    fn write_protobuf(&self, request: &mut Vec<u8>) {
        let mut scopes = Vec::new();
        write_varint(u64::from(SCOPES << 3 | 2), &mut scopes);
        write_varint((self.scope.len() + self.items.len()) as u64, &mut scopes);
        let length = self.resource.len() + scopes.len() + self.scope.len() + self.items.len();
        write_varint(u64::from(RESOURCES << 3 | 2), request);
        write_varint(length as u64, request);
        for part in [&self.resource, &*scopes, &self.scope, &self.items] {
            request.extend_from_slice(part);
        }
    }
}
