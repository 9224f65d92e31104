// build: cc -shared -fPIC -I.. -DSTEP=PLAIN -o steps.so steps.c
// A life with all that can be kept across reloads, and crashes everywhere: STEP says where this build crashes.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "logic.h"

enum { PLAIN, AGAIN, FIXED, TICK, AFTER, BEFORE, RELEASE };
enum { NUMBERS = 4 << 20 };

typedef struct {
    int32_t  score;
    int32_t  data, bss; /* what this build's statics have counted */
    int32_t  sound;     /* the numbers on the heap are what they were, when this build saw them first */
    int32_t  released;  /* bytes given back */
    int32_t *numbers;
} state_t;

static int global;

static void crash(void)
{
    *(volatile int *)0 = 1;
}

static void init(void *p)
{
    state_t *s = p;
    s->numbers = malloc(NUMBERS * sizeof(int32_t));
    for (int32_t i = 0; i < NUMBERS; i++)
        s->numbers[i] = i;
}

static void check(state_t *s)
{
    s->sound = s->numbers != NULL;
    for (int32_t i = 0; s->numbers && i < NUMBERS; i++)
        s->sound &= s->numbers[i] == i;
}

static void tick(void *p, double dt)
{
    static int local = 1000;
    state_t *s = p;
    (void)dt;
    if (STEP == TICK)
        crash();
    if (global == 0)
        check(s);
    s->score++;
    s->data = ++local;
    s->bss = ++global;
    if (STEP == RELEASE) {
        s->released += s->numbers ? NUMBERS * (int32_t)sizeof(int32_t) : 0;
        free(s->numbers);
        s->numbers = NULL;
    }
}

static void shutdown(void *p)
{
    (void)p;
    close(creat(getenv("ENDED"), 0600));
}

static void before_reload(void *p)
{
    (void)p;
    if (STEP == BEFORE)
        crash();
}

static void after_reload(void *p)
{
    (void)p;
    if (STEP == AFTER)
        crash();
}

static const logic_field_t fields[] = {
    LOGIC_FIELD(state_t, score), LOGIC_FIELD(state_t, data), LOGIC_FIELD(state_t, bss), LOGIC_FIELD(state_t, sound),
    LOGIC_FIELD(state_t, released), LOGIC_FIELD(state_t, numbers),
};

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
    .init = init, .tick = tick, .shutdown = shutdown, .before_reload = before_reload, .after_reload = after_reload,
    .fields = fields, .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    static volatile int step = STEP; /* every build is another library */
    (void)step;
    return &api;
}
