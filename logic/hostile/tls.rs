// build: rustc --crate-type cdylib -C panic=abort -O -o tls.so tls.rs
// alone: stays
// Rust's thread_local! with a Drop, the counterpart of tls_dtor.cpp: threads that ticked it keep the library mapped.
// The host must move its workers to fresh threads before it closes the library.
use std::cell::Cell;

struct Guard(Cell<i64>);

impl Drop for Guard {
    fn drop(&mut self) {
        std::hint::black_box(self.0.get());
    }
}

thread_local! {
    static GUARD: Guard = Guard(Cell::new(0));
}

#[repr(C)]
pub struct State {
    score: i32,
    time: f64,
}

/// The members of logic_api_t that revision 0 has.
#[repr(C)]
pub struct Api {
    api_version: i32,
    api_revision: i32,
    state_size: usize,
    init: extern "C" fn(&mut State),
    tick: extern "C" fn(&mut State, f64),
    shutdown: extern "C" fn(&mut State),
}

extern "C" fn init(s: &mut State) {
    *s = State { score: 0, time: 0.0 };
}

extern "C" fn tick(s: &mut State, dt: f64) {
    GUARD.with(|g| g.0.set(g.0.get() + 1));
    s.score += 1;
    s.time += dt;
}

extern "C" fn shutdown(_: &mut State) {}

static API: Api =
    Api { api_version: 1, api_revision: 0, state_size: std::mem::size_of::<State>(), init, tick, shutdown };

#[no_mangle]
pub extern "C" fn logic_get_api() -> *const Api {
    &API
}
