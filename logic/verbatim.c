/* A plugin that knows nothing of logic.h: it spells out the five original members of the API itself, so it has no
 * revision (the host reads 0 from the padding after api_version), no field table and none of the later functions.
 * Built with -g it still has a layout, read from the debug information; without, only the size is compared. */
#include <stddef.h>

typedef struct {
    int api_version;
    size_t state_size;
    void (*init)(void* state);
    void (*tick)(void* state, double dt);
    void (*shutdown)(void* state);
} logic_api_t;

logic_api_t* logic_get_api(void);

typedef struct {
    int score;
    double time;
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

static logic_api_t api = { 1, sizeof(state_t), init, tick, shutdown };

logic_api_t* logic_get_api(void)
{
    return &api;
}
