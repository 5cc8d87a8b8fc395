//! Events whose values spell many numbers out.

use eunomia_core::batch::Batch;
use eunomia_core::schema::EventSchema;

use super::{Cell, batch, connect_kind, header, open_kind, record};

/// Events of 40 different numbers, each of them twice, and of addresses that have
/// several ports; and the same events in batches of their own.
pub(crate) fn events_of_many_numbers() -> (Batch, Vec<Batch>) {
    let (open, connect) = (open_kind(), connect_kind());
    let events = (0..40).chain(0..40).flat_map(|number| {
        [
            (&open, open_of(&open, number.into())),
            (&connect, connect_of(&connect, number)),
        ]
    });
    let events: Vec<_> = events.collect();
    let alone = events.iter().zip(0..).map(|(event, nanos)| {
        let mut alone = batch(std::slice::from_ref(event), Vec::new());
        alone.clock.0 += nanos;
        alone
    });
    let alone = alone.collect();
    (batch(&events, Vec::new()), alone)
}

fn open_of(schema: &EventSchema, number: u32) -> Vec<u8> {
    let mut cells = header(812, b"cat");
    cells.extend([
        Cell::Text(b"/a"),
        Cell::U32(number << 6),
        Cell::U32(number),
        Cell::I32(3),
        Cell::U32(number),
        Cell::NoText,
    ]);
    record(schema, &cells)
}

fn connect_of(schema: &EventSchema, number: u8) -> Vec<u8> {
    let mut cells = header(813, b"wget");
    cells.extend([
        Cell::Chars(b"tcp", 4),
        Cell::Address(Some([10, 0, 0, number / 4].into())),
        Cell::Port(number.into()),
        Cell::Address(Some([10, 0, number / 4, 0].into())),
        Cell::Port(443),
        Cell::U32(0),
        Cell::U64(10_u64.pow(u32::from(number) / 4) + u64::from(number)),
    ]);
    record(schema, &cells)
}
