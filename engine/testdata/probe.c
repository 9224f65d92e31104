/* probe.c: a counter that keeps books: what a test wants to know of a run is in its state, and shutdown appends the state
 * to the file named by dump ("process:path"). -D turns it into what a test needs, good or bad. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "logic.h"

#ifndef STEP
#define STEP 1 /* what a tick adds to the score */
#endif
#ifndef LIMIT
#define LIMIT INT64_MAX /* the score that is not exceeded */
#endif
#ifndef AT_LIMIT
#define AT_LIMIT (void)0 /* what a tick does there */
#endif
#ifndef VERSION
#define VERSION LOGIC_API_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(state_t)
#endif
#ifndef INIT
#define INIT init
#endif
#ifndef TICK
#define TICK tick
#endif
#ifndef SHUTDOWN
#define SHUTDOWN shutdown
#endif
#ifndef SEED
#define SEED seed
#endif
#ifndef FIELDS
#define FIELDS fields
#endif
#ifndef FIELD_COUNT
#define FIELD_COUNT LOGIC_COUNT(fields)
#endif
#ifndef TABLE
#define TABLE { LOGIC_FIELD_SHOWN(state_t, score), LOGIC_FIELD(state_t, ticks), LOGIC_FIELD(state_t, time) }
#endif
#ifndef API
#define API (&api)
#endif
#ifndef ENTRY
#define ENTRY logic_get_api
#endif
#define UNUSED __attribute__((unused))
#ifdef RULES
#include "rules.h" /* defines BONUS */
#endif
#ifndef BONUS
#define BONUS 0
#endif

/* A test writes over these in the built library: other bytes, the same code. */
__attribute__((used)) static volatile const char stamp[16] = "@stamp@";
static volatile const char dump[512] = "@dump@";

typedef struct {
    int64_t  ticks, score;
    double   time;
    uint64_t seed;
    int32_t  inits, left, arrived; /* calls of init, before_reload and after_reload */
    int32_t  step;                 /* of the code that ran last */
} state_t;

UNUSED static void init(void *p)
{
    state_t *s = p;
    s->inits++;
    s->step = STEP;
}

UNUSED static void tick(void *p, double dt)
{
    state_t *s = p;
    s->ticks++;
    if (s->score < LIMIT)
        s->score += STEP + BONUS;
    else
        AT_LIMIT;
    s->time += dt;
    s->step = STEP;
}

UNUSED static void shutdown(void *p)
{
    char *path;
    if (strtol((const char *)dump, &path, 10) != getpid() || *path++ != ':')
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return;
    if (write(fd, p, sizeof(state_t)) != (ssize_t)sizeof(state_t))
        unlink(path);
    close(fd);
}

UNUSED static void seed(void *p, uint64_t number) { ((state_t *)p)->seed = number; }
static void before_reload(void *p) { ((state_t *)p)->left++; }
static void after_reload(void *p) { ((state_t *)p)->arrived++; }

#ifdef BATCH
static void tick_batch(void *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        tick((char *)base + i * stride, dt);
}
#endif

#ifdef UNDEFINED
void defined_nowhere(void);
__attribute__((used)) static void (*volatile nowhere)(void) = defined_nowhere;
#endif

#ifdef OVERWRITE
/* Runs inside dlopen: replaces the library that the build left while that library is being loaded. */
__attribute__((constructor)) static void overwrite(void)
{
    int fd = open(OVERWRITE, O_WRONLY | O_TRUNC);
    if (fd >= 0 && write(fd, "garbage", 7) == 7)
        close(fd);
}
#endif

UNUSED static const logic_field_t fields[] = TABLE;

UNUSED static logic_api_t api = {
    .api_version = VERSION, .api_revision = LOGIC_API_REVISION, .state_size = SIZE,
    .init = INIT, .tick = TICK, .shutdown = SHUTDOWN, .seed = SEED,
#ifdef BATCH
    .tick_batch = tick_batch,
#endif
    .before_reload = before_reload, .after_reload = after_reload,
    .fields = FIELDS, .field_count = FIELD_COUNT,
};

LOGIC_EXPORT logic_api_t *ENTRY(void)
{
    return API;
}
