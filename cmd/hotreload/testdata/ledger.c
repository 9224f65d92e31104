/* ledger.c: a state that knows whether it is torn. Between two ticks opened, closed and score are equal and every byte of
 * the body is the low byte of opened; what a tick finds otherwise it counts. */
#include "logic.h"

#define STEP 8 /* bytes of the body between those that are written */

typedef struct {
#ifdef WIDE /* another layout, to which the state migrates */
    int64_t more[7];
#endif
    int64_t score, opened, closed, torn, inits, arrivals;
    unsigned char body[4000];
} state_t;

static void init(void *p)
{
    state_t *s = p;
    for (int i = 0; i < (int)sizeof s->body; i++)
        s->torn += s->body[i] != 0;
    s->inits++;
}

static void check(state_t *s)
{
    int torn = s->opened != s->closed || s->score != s->opened;
    for (int i = 0; i < (int)sizeof s->body; i += STEP)
        torn |= s->body[i] != (unsigned char)s->opened;
    s->torn += torn;
}

static void tick(void *p, double dt)
{
    (void)dt;
    state_t *s = p;
    check(s);
    s->opened++;
    for (int i = 0; i < (int)sizeof s->body; i += STEP)
        s->body[i] = (unsigned char)s->opened;
#ifdef CRASH
    if (s->opened % 3 == 0)
        *(volatile int *)8 = 0;
#endif
    s->closed++;
    s->score++;
}

/* Hooks and shutdown leave a mark that must not be seen when they were cut short. */
static void smear(state_t *s, int by)
{
    for (int i = 0; i < (int)sizeof s->body; i += STEP)
        s->body[i] = (unsigned char)(s->body[i] + by);
}

static void hook(void *p)
{
    state_t *s = p;
    smear(s, 1);
    smear(s, -1);
    s->arrivals++;
}

static void shutdown(void *p) { smear(p, 1); }

#ifdef BATCH
static void tick_batch(void *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        tick((char *)base + i * stride, dt);
}
#endif

static const logic_field_t fields[] = {
    LOGIC_FIELD_SHOWN(state_t, score), LOGIC_FIELD_SHOWN(state_t, opened), LOGIC_FIELD_SHOWN(state_t, closed),
    LOGIC_FIELD_SHOWN(state_t, torn), LOGIC_FIELD_SHOWN(state_t, inits), LOGIC_FIELD(state_t, arrivals),
    LOGIC_ARRAY(state_t, body),
#ifdef WIDE
    LOGIC_ARRAY(state_t, more),
#endif
};

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
    .init = init, .tick = tick, .shutdown = shutdown, .before_reload = hook, .after_reload = hook,
#ifdef BATCH
    .tick_batch = tick_batch,
#endif
    .fields = fields, .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
