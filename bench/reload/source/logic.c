/* The sample: a counter. Change SCORE_PER_TICK while the host runs and watch the score go on from where it was. */
#include "logic.h"

#define SCORE_PER_TICK 1

typedef struct {
    int    score;
    double time; /* simulated seconds */
} state_t;

static void init(void *p)
{
    state_t *s = p;
    s->score = 0;
    s->time = 0;
}

static void tick(void *p, double dt)
{
    state_t *s = p;
    s->score += SCORE_PER_TICK;
    s->time += dt;
}

static void shutdown(void *p)
{
    (void)p; /* the host owns the memory: nothing to free */
}

static const logic_field_t fields[] = {
    LOGIC_FIELD_SHOWN(state_t, score),
    LOGIC_FIELD(state_t, time),
};

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION,
    .api_revision = LOGIC_API_REVISION,
    .state_size = sizeof(state_t),
    .init = init,
    .tick = tick,
    .shutdown = shutdown,
    .fields = fields,
    .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return &api;
}
