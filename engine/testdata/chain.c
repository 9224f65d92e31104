/* chain.c: a state that is a hash chain over all that was done to it: by which code, at which tick, in which order. */
#include <string.h>
#include "logic.h"

#ifndef MARK
#define MARK 1 /* which code it is */
#endif
#ifndef FAULT
#define FAULT 0 /* when a tick faults: in terms of s and shard(i) */
#endif
#ifndef PAD
#define PAD 8
#endif

typedef struct {
    uint64_t chain, ticks, seed;
#ifdef EXTRA
    uint64_t extra;
#endif
    uint8_t pad[PAD];
} state_t;

static void mix(state_t *s, uint64_t v)
{
    uint64_t z = s->chain + v + 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    s->chain = z ^ z >> 31;
    s->pad[s->ticks % PAD] += (uint8_t)z;
}

static void init(void *p) { mix(p, MARK); }

static void seed(void *p, uint64_t number)
{
    state_t *s = p;
    s->seed = number;
    mix(s, number);
}

static void tick(void *p, double dt)
{
    state_t *s = p;
    uint64_t bits;
    mix(s, s->ticks);
    memcpy(&bits, &dt, sizeof bits);
    mix(s, bits);
    if (FAULT)
        __builtin_trap();
    mix(s, MARK);
    s->ticks++;
#ifdef EXTRA
    s->extra += MARK;
#endif
}

#ifdef BATCH
static void tick_batch(void *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        tick((char *)base + i * stride, dt);
}
#endif

static void shutdown(void *p) { (void)p; }
static void before_reload(void *p) { mix(p, MARK + 1000); }
static void after_reload(void *p) { mix(p, MARK + 2000); }

static const logic_field_t fields[] = {
    LOGIC_FIELD_SHOWN(state_t, chain), LOGIC_FIELD(state_t, ticks), LOGIC_FIELD(state_t, seed),
#ifdef EXTRA
    LOGIC_FIELD(state_t, extra),
#endif
    LOGIC_ARRAY(state_t, pad),
};

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
    .init = init, .tick = tick, .shutdown = shutdown, .seed = seed,
#ifdef BATCH
    .tick_batch = tick_batch,
#endif
    .before_reload = before_reload, .after_reload = after_reload,
    .fields = fields, .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
