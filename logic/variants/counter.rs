//! The counter in Rust.
//!
//!     rustc --crate-type cdylib -C panic=abort -O -o counter_rs.so counter.rs
//!
//! Without std, whose thread-local destructors can keep a library from being unloaded. Nothing here can panic; a
//! plugin that can must abort, because a panic may not unwind into the host.
#![no_std]

use core::ffi::{c_char, c_void};
use core::mem::{offset_of, size_of};

const LOGIC_I32: u32 = 5;
const LOGIC_F64: u32 = 10;
const LOGIC_SHOW: u32 = 1;

/// `logic_field_t` of logic.h.
#[repr(C)]
pub struct Field {
    name: *const c_char,
    kind: u32,
    offset: u32,
    count: u32,
    flags: u32,
    reserved: u64,
}

/// `logic_api_t` of logic.h.
#[repr(C)]
pub struct Api {
    api_version: i32,
    api_revision: i32,
    state_size: usize,
    init: unsafe extern "C" fn(*mut State),
    tick: unsafe extern "C" fn(*mut State, f64),
    shutdown: unsafe extern "C" fn(*mut State),
    seed: Option<unsafe extern "C" fn(*mut State, u64)>,
    tick_batch: Option<unsafe extern "C" fn(*mut State, usize, usize, f64)>,
    before_reload: Option<unsafe extern "C" fn(*mut State)>,
    after_reload: Option<unsafe extern "C" fn(*mut State)>,
    migrate: Option<unsafe extern "C" fn(*mut State, *const c_void, usize, i32)>,
    fields: *const Field,
    field_count: usize,
    state_revision: i32,
}

// Both are constants; the pointers in them lead to constants.
unsafe impl Sync for Field {}
unsafe impl Sync for Api {}

/// The state of one shard.
#[repr(C)]
pub struct State {
    score: i32,
    time: f64,
}

unsafe extern "C" fn init(s: *mut State) {
    s.write(State { score: 0, time: 0.0 });
}

unsafe extern "C" fn tick(s: *mut State, dt: f64) {
    let s = &mut *s;
    s.score = s.score.wrapping_add(1);
    s.time += dt;
}

unsafe extern "C" fn shutdown(_: *mut State) {}

const fn field(name: &'static [u8], kind: u32, offset: usize, flags: u32) -> Field {
    Field { name: name.as_ptr() as *const c_char, kind, offset: offset as u32, count: 1, flags, reserved: 0 }
}

static FIELDS: [Field; 2] = [
    field(b"score\0", LOGIC_I32, offset_of!(State, score), LOGIC_SHOW),
    field(b"time\0", LOGIC_F64, offset_of!(State, time), 0),
];

static API: Api = Api {
    api_version: 1,
    api_revision: 1,
    state_size: size_of::<State>(),
    init,
    tick,
    shutdown,
    seed: None,
    tick_batch: None,
    before_reload: None,
    after_reload: None,
    migrate: None,
    fields: &FIELDS as *const Field,
    field_count: FIELDS.len(),
    state_revision: 0,
};

/// The one symbol of the plugin.
#[no_mangle]
pub extern "C" fn logic_get_api() -> *const Api {
    &API
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
