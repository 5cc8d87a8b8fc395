//! The fields of OTLP's messages, as far as they are written. Statics, for a value
//! may hold values.

use super::json::Field;
use super::json::Kind::{Bool, Bytes, Double, Message, Number, Signed, Text, Unsigned};

static KEY_VALUE: [Field; 2] = [
    Field::one(1, "\"key\":", Text),
    Field::one(2, "\"value\":", Message(&ANY_VALUE)),
];

static ANY_VALUE: [Field; 6] = [
    Field::one(1, "\"stringValue\":", Text),
    Field::one(2, "\"boolValue\":", Bool),
    Field::one(3, "\"intValue\":", Signed),
    Field::one(4, "\"doubleValue\":", Double),
    Field::one(5, "\"arrayValue\":", Message(&ARRAY_VALUE)),
    Field::one(7, "\"bytesValue\":", Bytes),
];

static ARRAY_VALUE: [Field; 1] = [Field::list(1, "\"values\":", Message(&ANY_VALUE))];

pub(super) static RESOURCE: [Field; 1] = [Field::list(1, "\"attributes\":", Message(&KEY_VALUE))];

pub(super) static SCOPE: [Field; 2] = [
    Field::one(1, "\"name\":", Text),
    Field::one(2, "\"version\":", Text),
];

pub(super) static LOG_RECORD: [Field; 7] = [
    Field::one(1, "\"timeUnixNano\":", Unsigned),
    Field::one(2, "\"severityNumber\":", Number),
    Field::one(3, "\"severityText\":", Text),
    Field::one(5, "\"body\":", Message(&ANY_VALUE)),
    Field::list(6, "\"attributes\":", Message(&KEY_VALUE)),
    Field::one(11, "\"observedTimeUnixNano\":", Unsigned),
    Field::one(12, "\"eventName\":", Text),
];

pub(super) static NUMBER_POINT: [Field; 5] = [
    Field::one(2, "\"startTimeUnixNano\":", Unsigned),
    Field::one(3, "\"timeUnixNano\":", Unsigned),
    Field::one(4, "\"asDouble\":", Double),
    Field::one(6, "\"asInt\":", Signed),
    Field::list(7, "\"attributes\":", Message(&KEY_VALUE)),
];

pub(super) static HISTOGRAM_POINT: [Field; 7] = [
    Field::one(2, "\"startTimeUnixNano\":", Unsigned),
    Field::one(3, "\"timeUnixNano\":", Unsigned),
    Field::one(4, "\"count\":", Unsigned),
    Field::one(5, "\"sum\":", Double),
    Field::list(6, "\"bucketCounts\":", Unsigned),
    Field::list(7, "\"explicitBounds\":", Double),
    Field::list(9, "\"attributes\":", Message(&KEY_VALUE)),
];
