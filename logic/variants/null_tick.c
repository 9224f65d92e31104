/* The counter without a tick: the guard must refuse it (tick: NULL). */
#include "logic.h"

typedef struct {
    int    score;
    double time;
} state_t;

static void init(void *p)
{
    state_t *s = p;
    s->score = 0;
    s->time = 0;
}

static void shutdown(void *p)
{
    (void)p;
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
    .tick = NULL,
    .shutdown = shutdown,
    .fields = fields,
    .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return &api;
}
