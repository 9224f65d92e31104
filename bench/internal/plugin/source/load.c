/* The load of the benchmarks: a tick so small that what is measured is the host. It has the five members of the
 * original API and no header. */
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

typedef struct {
    int api_version;
    size_t state_size;
    void (*init)(void *state);
    void (*tick)(void *state, double dt);
    void (*shutdown)(void *state);
} logic_api_t;

typedef struct {
#ifdef WIDE
    uint64_t spare; /* so that every other member moves */
#endif
    double   time;
    uint64_t ticks;
    uint64_t build; /* the build that ran the last tick */
} state_t;

/* Every build is this one with other bytes here: see Stamp. */
static const volatile uint64_t build = 0x68a7c0de5eed1e55u;

#ifdef LARGE
/* What the loader has to relocate in a library of some size: so many pointers. */
static void *const relocated[LARGE] = { [0 ... LARGE - 1] = (void *)relocated };
#endif

static void init(void *p)
{
    (void)p;
    prctl(PR_SET_NAME, "bench-worker", 0, 0, 0); /* for who wants to know the time of this thread */
}

void tick(void *p, double dt)
{
    state_t *s = p;
#ifdef FAULTY
    /* The state that comes first faults so many ticks later. A trial runs fewer. */
    static void *first;
    static int ticks;
    void *none = 0;
    if ((__atomic_compare_exchange_n(&first, &none, p, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || none == p) && ++ticks > FAULTY)
        *(volatile int *)0 = 0;
#endif
    s->time += dt;
    s->ticks++;
    s->build = build;
#ifdef LARGE
    __asm__ volatile("" : : "r"(relocated)); /* keeps them */
#endif
}

static void shutdown(void *p) { (void)p; }

/* The loop that no host can beat: `rounds` times a tick of each state, called by pointer. */
void loop(void *base, size_t stride, size_t count, double rounds)
{
    void (*volatile hidden)(void *, double) = tick;
    void (*f)(void *, double) = hidden;
    for (uint64_t r = (uint64_t)rounds; r > 0; r--)
        for (size_t i = 0; i < count; i++)
            f((char *)base + i * stride, 0.001);
}

static logic_api_t api = { 1, sizeof(state_t), init, tick, shutdown };

logic_api_t *logic_get_api(void) { return &api; }
