/* counter.h: what the hostile plugins share: the sample counter. Each file beside this one adds one misdeed to it, and
 * says in its first lines
 *
 *     build: the command that builds it, run in this directory
 *     alone: what becomes of a host that calls it without any precaution, as logic/conformance checks:
 *            a signal's name, "exit N", "refused" (there is no API to call), "hangs", "survives", or "stays" (survives,
 *            but dlclose leaves the library in memory)
 *
 * and then what the host must do. Misdeeds in tick begin when the score has reached TRIGGER and go on from there, so
 * that the state before and after can be compared; -DTRIGGER=n moves the point. */
#include "logic.h"

#ifndef TRIGGER
#define TRIGGER 10
#endif

#define UNUSED __attribute__((unused))

typedef struct {
    int32_t score;
    double  time;
} state_t;

static UNUSED void init(void *p)
{
    state_t *s = (state_t *)p;
    s->score = 0;
    s->time = 0;
}

static UNUSED int due(const void *p)
{
    return ((const state_t *)p)->score >= TRIGGER;
}

/* True for one caller only in the life of this library. */
static UNUSED int once(void)
{
    static int calls;
    return __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) == 0;
}

/* The honest tick. */
static UNUSED void count(void *p, double dt)
{
    state_t *s = (state_t *)p;
    s->score += 1;
    s->time += dt;
}

static UNUSED void shutdown(void *p)
{
    (void)p;
}

static UNUSED void write_null(void)
{
    *(volatile int *)0 = 1;
}

static const logic_field_t fields[] = {
    LOGIC_FIELD_SHOWN(state_t, score),
    LOGIC_FIELD(state_t, time),
};

/* The rest of a plugin: PLUGIN(init, tick, shutdown), or with more members of the API, each ended by a comma:
 * PLUGIN(init, tick, shutdown, .seed = seed,). */
#define PLUGIN(init_, tick_, shutdown_, ...) \
    static logic_api_t api = { \
        .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t), \
        .init = init_, .tick = tick_, .shutdown = shutdown_, __VA_ARGS__ \
        .fields = fields, .field_count = LOGIC_COUNT(fields), \
    }; \
    LOGIC_EXPORT logic_api_t *logic_get_api(void) \
    { \
        return &api; \
    }
