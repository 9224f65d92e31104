// The counter in C++ (C++14 or later).
//
//     c++ -shared -fPIC -I.. -o counter_cpp.so counter.cpp
//
// The table is a constant, made by a constexpr function, so that no code runs when the library is loaded. A plugin with
// inline or template statics needs more: see what `hotreload doctor` says of it.
#include "logic.h"

namespace {

struct state_t {
    int32_t score;
    double  time;
};

void init(void *p)
{
    *static_cast<state_t *>(p) = state_t{};
}

void tick(void *p, double dt)
{
    auto *s = static_cast<state_t *>(p);
    s->score += 1;
    s->time += dt;
}

void shutdown(void *)
{
}

const logic_field_t fields[] = {
    LOGIC_FIELD_SHOWN(state_t, score),
    LOGIC_FIELD(state_t, time),
};

constexpr logic_api_t describe()
{
    logic_api_t api{};
    api.api_version = LOGIC_API_VERSION;
    api.api_revision = LOGIC_API_REVISION;
    api.state_size = sizeof(state_t);
    api.init = init;
    api.tick = tick;
    api.shutdown = shutdown;
    api.fields = fields;
    api.field_count = LOGIC_COUNT(fields);
    return api;
}

logic_api_t api = describe();

} // namespace

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return &api;
}
