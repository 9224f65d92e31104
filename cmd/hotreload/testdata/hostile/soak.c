// A counter for long runs at full speed. -DKIND=n chooses what this build does besides counting.
#include <stdlib.h>
#include "logic.h"

enum { GOOD, CRASH, DIVIDE, OVERFLOW, ABORT, LATER, HOOK, VERSION, SIZE, NO_TICK };

typedef struct {
    int64_t score;
    double  time;
#if KIND == 8
    double  more;
#endif
} state_t;

static volatile int none;

static int deeper(volatile char *above)
{
    volatile char here[1024];
    here[0] = (char)(above[0] + 1);
    return deeper(here) + here[0];
}

static void misbehave(void)
{
    static int ticks;
    if (KIND == CRASH || (KIND == LATER && __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED) > 100000))
        *(volatile int *)0 = 1;
    if (KIND == DIVIDE)
        none = 100 / none;
    if (KIND == OVERFLOW)
        deeper((volatile char *)&none);
    if (KIND == ABORT)
        abort();
}

static void init(void *p)
{
    (void)p;
}

static void tick(void *p, double dt)
{
    state_t *s = p;
    s->score++; /* what a fault must undo */
    misbehave();
    s->time += dt;
}

static void shutdown(void *p)
{
    (void)p;
}

static void before_reload(void *p)
{
    (void)p;
    if (KIND == HOOK)
        *(volatile int *)0 = 1;
}

static const logic_field_t fields[] = {
    LOGIC_FIELD(state_t, score), LOGIC_FIELD(state_t, time),
#if KIND == 8
    LOGIC_FIELD(state_t, more),
#endif
};

static logic_api_t api = {
    .api_version = KIND == VERSION ? 99 : LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION,
    .state_size = sizeof(state_t), .init = init, .tick = KIND == NO_TICK ? NULL : tick, .shutdown = shutdown,
    .before_reload = before_reload, .fields = fields, .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return &api;
}
