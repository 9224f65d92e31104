/* The counter with its two fields in the other order: the same size, so that only a comparison of the layouts can see
 * it. Ticked on the old state it would read the score as the lower half of a double. */
#include "logic.h"

typedef struct {
    double time;
    int    score;
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
    s->score += 1;
    s->time += dt;
}

static void shutdown(void *p)
{
    (void)p;
}

static const logic_field_t fields[] = {
    LOGIC_FIELD(state_t, time),
    LOGIC_FIELD_SHOWN(state_t, score),
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
