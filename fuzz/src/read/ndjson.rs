//! NDJSON, read by `serde_json`.

use eunomia_core::metric::{Point, PointValue};
use eunomia_exporters::{JsonEncoder, Lines};
use serde_json::{Map, Value as Json, json};

use crate::input::Input;
use crate::{model, support};

/// What a line has beside attributes.
const OF_EVENT: [&str; 3] = ["time", "event", "host.name"];
const OF_POINT: [&str; 8] = [
    "time", "metric", "type", "unit", "value", "count", "sum", "buckets",
];

/// A line is one object that says what its event or point does.
pub fn ndjson(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let mut encoder = JsonEncoder::new(&support::host());
    let [events, points] = input.signals().map(|signal| {
        let mut lines = Lines::default();
        encoder.encode(&signal, &mut lines);
        objects(&lines)
    });
    assert_eq!(events.len(), input.events.len());
    for (mut object, row) in events.into_iter().zip(input.events.iter()) {
        assert_eq!(object["event"], row.schema().name.name());
        assert_eq!(object["host.name"], "node-1");
        object.retain(|name, _| !OF_EVENT.contains(&name.as_str()));
        assert_eq!(
            object.into_iter().collect::<model::Attributes>(),
            model::of_event(&row)
        );
    }
    assert_eq!(points.len(), input.points.points.len());
    for (mut object, point) in points.into_iter().zip(&input.points.points) {
        assert_eq!(object["metric"], point.metric.name.name());
        has_value(&object, point);
        object.retain(|name, _| !OF_POINT.contains(&name.as_str()));
        assert_eq!(
            object.into_iter().collect::<model::Attributes>(),
            model::of_point(point)
        );
    }
}

fn objects(lines: &Lines) -> Vec<Map<String, Json>> {
    let text = str::from_utf8(&lines.bytes).expect("JSON is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'));
    let objects: Vec<Map<String, Json>> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    assert_eq!(lines.complete(text.len()), (objects.len(), text.len()));
    objects
}

fn has_value(object: &Map<String, Json>, point: &Point) {
    match &point.value {
        PointValue::Uint(value) => assert_eq!(object["value"], *value),
        PointValue::Int(value) => assert_eq!(object["value"], *value),
        PointValue::Float(value) => assert_eq!(object["value"], model::float(*value)),
        PointValue::Histogram(histogram) => {
            assert_eq!(object["count"], histogram.count);
            assert_eq!(object.get("sum").and_then(Json::as_f64), histogram.sum);
            let buckets = histogram.buckets.iter();
            let buckets: Json = buckets
                .map(|(bound, count)| json!([model::float(*bound), count]))
                .collect();
            assert_eq!(object["buckets"], buckets);
        }
    }
}
