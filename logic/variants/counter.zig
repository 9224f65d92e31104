// The counter in Zig, in the syntax of Zig 0.11.
//
//     zig build-lib -dynamic -O ReleaseFast -femit-bin=counter_zig.so counter.zig
const Field = extern struct {
    name: [*:0]const u8,
    type: u32,
    offset: u32,
    count: u32 = 1,
    flags: u32 = 0,
    reserved: u64 = 0,
};

const Api = extern struct {
    api_version: i32 = 1,
    api_revision: i32 = 1,
    state_size: usize,
    init: *const fn (*State) callconv(.C) void,
    tick: *const fn (*State, f64) callconv(.C) void,
    shutdown: *const fn (*State) callconv(.C) void,
    seed: ?*const fn (*State, u64) callconv(.C) void = null,
    tick_batch: ?*const fn (*State, usize, usize, f64) callconv(.C) void = null,
    before_reload: ?*const fn (*State) callconv(.C) void = null,
    after_reload: ?*const fn (*State) callconv(.C) void = null,
    migrate: ?*const fn (*State, *const anyopaque, usize, i32) callconv(.C) void = null,
    fields: [*]const Field,
    field_count: usize,
    state_revision: i32 = 0,
};

const State = extern struct {
    score: i32,
    time: f64,
};

fn init(s: *State) callconv(.C) void {
    s.* = .{ .score = 0, .time = 0 };
}

fn tick(s: *State, dt: f64) callconv(.C) void {
    s.score +%= 1;
    s.time += dt;
}

fn shutdown(_: *State) callconv(.C) void {}

const fields = [_]Field{
    .{ .name = "score", .type = 5, .offset = @offsetOf(State, "score"), .flags = 1 }, // LOGIC_I32, LOGIC_SHOW
    .{ .name = "time", .type = 10, .offset = @offsetOf(State, "time") }, // LOGIC_F64
};

const api = Api{
    .state_size = @sizeOf(State),
    .init = &init,
    .tick = &tick,
    .shutdown = &shutdown,
    .fields = &fields,
    .field_count = fields.len,
};

export fn logic_get_api() *const Api {
    return &api;
}
