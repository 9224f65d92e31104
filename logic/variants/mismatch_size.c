/* The counter with one field more: the guard must refuse it by its size (16, actual 24), or migrate the state, where
 * `lives` comes from init and the rest by name. */
#include "logic.h"

typedef struct {
    int    score;
    double time;
    int    lives;
} state_t;

static void init(void *p)
{
    state_t *s = p;
    s->score = 0;
    s->time = 0;
    s->lives = 3;
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
    LOGIC_FIELD_SHOWN(state_t, score),
    LOGIC_FIELD(state_t, time),
    LOGIC_FIELD(state_t, lives),
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
