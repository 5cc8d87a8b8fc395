//! From the ring to the encoder nothing is allocated for an event: what the
//! second of two batches takes does not grow with the number of events in it.

use count::allocations;
use world::{Ring, World};

#[path = "../benches/hot_path/count.rs"]
mod count;
#[path = "../benches/hot_path/records.rs"]
mod records;
#[path = "../benches/hot_path/world.rs"]
#[expect(dead_code, reason = "the benchmark asks for more")]
mod world;

/// Allocations of the second batch with the records of `ring`: decoded, put in
/// order, its processes and containers looked up.
fn in_second_batch(world: &mut World, ring: &Ring) -> usize {
    for _ in 0..2 {
        let batch = world.drain(ring);
        world.look_up(batch);
    }
    let pass = || {
        let batch = world.drain(ring);
        world.look_up(batch);
    };
    allocations(pass).1
}

/// Sixteen times as many events of the built-in probes take as many allocations:
/// those of the batch itself and of its list of processes.
#[test]
fn decoding_and_lookup_allocate_nothing_for_an_event() {
    let mut world = World::new().unwrap();
    let mut allocations = |events| {
        let ring = world.ring(None, events).unwrap();
        in_second_batch(&mut world, &ring)
    };
    let (few, many) = (allocations(256), allocations(4096));
    assert!(many <= few + 8, "{few} for 256 events, {many} for 4,096");
    assert!(few < 64, "{few} for a batch of 256 events");
}
