/* shape.c: books in one of several layouts of the state, chosen with -DLAYOUT. Shutdown appends a record to the file named
 * by dump ("process:path") that is the same for all layouts. -D makes a function fail for one shard, named by its seed. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "logic.h"

#ifndef LAYOUT
#define LAYOUT 1
#endif
#ifndef STEP
#define STEP 1 /* what a tick adds to the score */
#endif
#ifndef VICTIM
#define VICTIM 0 /* the seed of the shard on which something goes wrong */
#endif
#ifndef HARM
#define HARM *(volatile int *)0 = 1 /* what goes wrong */
#endif
#ifndef BONUS
#define BONUS 0 /* score of a shard that makes a tick go wrong; 0: none does */
#endif

#define COMMON F(int64_t, ticks) F(uint64_t, seed) F(int32_t, inits) F(int32_t, left) F(int32_t, arrived)
#if LAYOUT == 1
#define FIELDS F(int32_t, score) COMMON
#elif LAYOUT == 2 /* a field more, in another order: there is a way back */
#define FIELDS COMMON F(int32_t, bonus) F(int32_t, score)
#elif LAYOUT == 3 /* another field more */
#define FIELDS F(int64_t, extra) COMMON F(int32_t, bonus) F(int32_t, score)
#elif LAYOUT == 4 /* the score widened: there is none */
#define FIELDS COMMON F(int64_t, score) F(int32_t, bonus)
#elif LAYOUT == 5 /* the score under another name */
#define FIELDS COMMON F(int64_t, points) F(int32_t, bonus)
#define score points
#else /* the ticks unsigned, which loses negative ones: not without a migrate */
#define FIELDS F(uint64_t, ticks) F(uint64_t, seed) F(int32_t, inits) F(int32_t, left) F(int32_t, arrived) F(int32_t, score) F(int32_t, bonus)
#endif

__attribute__((used)) static volatile const char stamp[16] = "@stamp@";
static volatile const char dump[512] = "@dump@";

typedef struct {
#define F(type, name) type name;
    FIELDS
#undef F
} state_t;

static const logic_field_t fields[] = {
#define F(type, name) LOGIC_FIELD(state_t, name),
    FIELDS
#undef F
};

static void harm(uint64_t seed)
{
    if (VICTIM != 0 && seed == VICTIM) {
        HARM;
    }
}

static void init(void *p)
{
    state_t *s = p;
    s->inits++;
#if LAYOUT > 1
    s->bonus = 1000;
#endif
#ifdef BAD_INIT /* on the call with that number */
    static int calls;
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == BAD_INIT) {
        HARM;
    }
#endif
}

static void seed(void *p, uint64_t number)
{
    ((state_t *)p)->seed = number;
#ifdef BAD_SEED
    harm(number);
#endif
}

static void tick(void *p, double dt)
{
    state_t *s = p;
    (void)dt;
    s->ticks++;
    s->score += STEP;
#if LAYOUT > 1
    s->bonus++;
    if (BONUS != 0 && s->bonus >= BONUS)
        harm(s->seed);
#endif
#ifdef GATE /* waits for a file, outside its own text */
    if (VICTIM != 0 && s->seed == VICTIM)
        while (access(GATE, F_OK) == 0)
            close(open(GATE ".in", O_CREAT | O_WRONLY, 0600)), usleep(1000);
#endif
#ifdef ARMED /* goes wrong as soon as there is that file */
    if (access(ARMED, F_OK) == 0)
        harm(s->seed);
#endif
}

#ifdef BATCH
static void tick_batch(void *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        tick((char *)base + i * stride, dt);
}
#endif

static void before_reload(void *p) { ((state_t *)p)->left++; }
static void after_reload(void *p)
{
    ((state_t *)p)->arrived++;
#ifdef BAD_ARRIVAL
    harm(((state_t *)p)->seed);
#endif
}

#ifdef MIGRATE
/* From layout 1, whose revision is 1. */
static void migrate(void *to, const void *from, size_t size, int32_t revision)
{
    struct { int32_t score; int64_t ticks; uint64_t seed; int32_t inits, left, arrived; } const *old = from;
    state_t *s = to;
    if (revision != 1 || size != sizeof *old)
        abort();
    harm(old->seed);
    s->score = old->score * 1000;
    s->ticks = old->ticks;
    s->inits += old->inits * 10; /* init has prepared dst */
    s->left = old->left;
    s->arrived = old->arrived;
#ifdef SCRIBBLE
    *(int32_t *)from = 0;
#endif
}
#endif

static void shutdown(void *p)
{
    char *path;
    state_t *s = p;
    if (strtol((const char *)dump, &path, 10) != getpid() || *path++ != ':')
        return;
    int64_t record[] = { (int64_t)s->seed, LAYOUT, s->ticks, s->score, s->inits, s->left, s->arrived,
#if LAYOUT > 1
                         s->bonus,
#else
                         0,
#endif
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return;
    if (write(fd, record, sizeof record) != (ssize_t)sizeof record)
        unlink(path);
    close(fd);
}

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
    .init = init, .tick = tick, .shutdown = shutdown, .seed = seed,
#ifdef BATCH
    .tick_batch = tick_batch,
#endif
    .before_reload = before_reload, .after_reload = after_reload,
#ifdef MIGRATE
    .migrate = migrate,
#endif
    .fields = fields, .field_count = LOGIC_COUNT(fields), .state_revision = LAYOUT,
};

LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
