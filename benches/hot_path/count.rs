//! How often memory is asked for: for benches, and for tests that say never.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks for.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread asked for memory while `act` ran.
pub(crate) fn allocations<T>(act: impl FnOnce() -> T) -> (T, usize) {
    let before = ASKED.get();
    let made = act();
    (made, ASKED.get() - before)
}

fn count() {
    ASKED.set(ASKED.get() + 1);
}

#[expect(unsafe_code, reason = "an allocator that counts is an allocator")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promised.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
