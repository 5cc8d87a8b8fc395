//! The forms in which a request is written: what stands around its items.

use super::json;

/// A form of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Protocol buffers.
    #[default]
    Protobuf,
    /// JSON by the mapping of protocol buffers, with OTLP's exceptions.
    Json,
}

/// What JSON calls the lists of a signal.
#[derive(Debug)]
pub(super) struct Lists {
    /// The resources of a request.
    pub(super) resources: &'static str,
    /// The scopes of a resource.
    pub(super) scopes: &'static str,
    /// The items of a scope.
    pub(super) items: &'static str,
}

/// Those of log records.
pub(super) static LOGS: Lists = Lists {
    resources: "{\"resourceLogs\":[",
    scopes: ",\"scopeLogs\":[{\"scope\":",
    items: ",\"logRecords\":[",
};

/// Those of metrics.
pub(super) static METRICS: Lists = Lists {
    resources: "{\"resourceMetrics\":[",
    scopes: ",\"scopeMetrics\":[{\"scope\":",
    items: ",\"metrics\":[",
};

impl Format {
    /// Begins a request.
    pub(super) fn begin(self, lists: &Lists, body: &mut Vec<u8>) {
        if self == Self::Json {
            body.extend_from_slice(lists.resources.as_bytes());
        }
    }

    /// Ends a request.
    pub(super) fn end(self, body: &mut Vec<u8>) {
        if self == Self::Json {
            json::end(b']', body);
            body.push(b'}');
        }
    }
}
