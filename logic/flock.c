/* A flock: 64 boids on a square that wraps at its edges. Each shard is one flock.
 *
 *     cc -O2 -shared -fPIC -o flock.so flock.c
 *
 * Edit a rule while the host runs and watch the shown fields answer within seconds:
 *     order       1 when all fly the same way, about 0.1 when each goes its own
 *     neighbours  how many others a boid sees, on average: rises as the flock gathers
 *     spread      root mean square distance between two boids: an even scatter has about 0.41 * WORLD
 *     speed       average speed, in units per second
 * Try ALIGNMENT 0, WANDER 60, COHESION -1, or ELBOW 12.
 *
 * The same seed gives the same flock: only + - * / in a fixed order, no libm, randomness from the state alone. (Do not
 * add -ffast-math, nor -march=native, which may fuse a multiplication with an addition.) */
#include "logic.h"

/* The rules. Distances in units of the world, accelerations in units per second squared. */
#define WORLD      100.0f /* edge of the square */
#define SIGHT      14.0f  /* how far a boid sees */
#define ELBOW      4.0f   /* closer than this it moves away */
#define ALIGNMENT  1.2f   /* towards the neighbours' velocity, per second */
#define COHESION   0.4f   /* towards the neighbours' middle, per second squared */
#define SEPARATION 8.0f   /* away from those too close */
#define WANDER     6.0f   /* a push in a random direction */
#define SLOWEST    6.0f
#define FASTEST    14.0f

#define BOIDS 64 /* part of the layout: to change it is to change the state */

typedef struct {
    double   time;  /* simulated seconds */
    uint64_t noise; /* the generator's state */
    float    order, neighbours, spread, speed;
    float    x[BOIDS], y[BOIDS];   /* in [0, WORLD) */
    float    vx[BOIDS], vy[BOIDS]; /* units per second */
} state_t;

/* SplitMix64 (Steele, Lea, Flood 2014): one addition and a mix, so its state is a single word. */
static uint64_t next(state_t *s)
{
    uint64_t z = s->noise += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A number in [-1, 1): 24 bits, which a float holds exactly. */
static float noise(state_t *s)
{
    return (float)(int32_t)(next(s) >> 40) * (1.0f / 8388608.0f) - 1.0f;
}

/* The square root of v > 0 by Heron's rule from a first guess that halves the exponent. libm's sqrtf would make the
 * plugin depend on a library that the host may not have loaded. */
static float root(float v)
{
    union { float f; uint32_t bits; } guess = { v };
    if (!(v > 0))
        return 0;
    guess.bits = (guess.bits >> 1) + 0x1FBD1DF5u;
    for (int i = 0; i < 3; i++)
        guess.f = 0.5f * (guess.f + v / guess.f);
    return guess.f;
}

/* The shorter way from 0 to d on a circle of WORLD, for d within (-WORLD, WORLD). */
static float shortest(float d)
{
    if (d > 0.5f * WORLD)
        return d - WORLD;
    if (d < -0.5f * WORLD)
        return d + WORLD;
    return d;
}

/* v brought into [0, WORLD), for any v that a long dt can produce. */
static float wrap(float v)
{
    if (!(v > -1e6f && v < 1e6f))
        return 0;
    v -= WORLD * (float)(int32_t)(v / WORLD);
    if (v < 0)
        v += WORLD;
    return v < WORLD ? v : 0;
}

static void measure(state_t *s)
{
    float ux = 0, uy = 0, speed = 0, squares = 0, seen = 0;
    for (int i = 0; i < BOIDS; i++) {
        float v = root(s->vx[i] * s->vx[i] + s->vy[i] * s->vy[i]);
        speed += v;
        ux += v > 0 ? s->vx[i] / v : 0;
        uy += v > 0 ? s->vy[i] / v : 0;
        for (int j = 0; j < i; j++) {
            float dx = shortest(s->x[j] - s->x[i]), dy = shortest(s->y[j] - s->y[i]), d2 = dx * dx + dy * dy;
            squares += d2;
            seen += d2 < SIGHT * SIGHT ? 2.0f : 0.0f;
        }
    }
    s->order = root(ux * ux + uy * uy) / BOIDS;
    s->neighbours = seen / BOIDS;
    s->spread = root(squares / (BOIDS * (BOIDS - 1) / 2));
    s->speed = speed / BOIDS;
}

/* The acceleration that boid i wants, from what it sees. */
static void steer(state_t *s, int i, float *ax, float *ay)
{
    float mx = 0, my = 0, vx = 0, vy = 0, n = 0;
    *ax = WANDER * noise(s);
    *ay = WANDER * noise(s);
    for (int j = 0; j < BOIDS; j++) {
        float dx = shortest(s->x[j] - s->x[i]), dy = shortest(s->y[j] - s->y[i]), d2 = dx * dx + dy * dy;
        if (j == i || d2 >= SIGHT * SIGHT)
            continue;
        n += 1;
        mx += dx;
        my += dy;
        vx += s->vx[j] - s->vx[i];
        vy += s->vy[j] - s->vy[i];
        if (d2 < ELBOW * ELBOW) {
            float push = SEPARATION * (1 - d2 / (ELBOW * ELBOW));
            *ax -= push * dx;
            *ay -= push * dy;
        }
    }
    if (n > 0) {
        *ax += (COHESION * mx + ALIGNMENT * vx) / n;
        *ay += (COHESION * my + ALIGNMENT * vy) / n;
    }
}

static void step(state_t *s, double seconds)
{
    float ax[BOIDS], ay[BOIDS], dt = (float)seconds;
    for (int i = 0; i < BOIDS; i++) /* all look before any moves: the order of the boids has no effect */
        steer(s, i, &ax[i], &ay[i]);
    for (int i = 0; i < BOIDS; i++) {
        float vx = s->vx[i] + ax[i] * dt, vy = s->vy[i] + ay[i] * dt, v = root(vx * vx + vy * vy), scale = 1;
        if (v > FASTEST)
            scale = FASTEST / v;
        else if (v > 0 && v < SLOWEST)
            scale = SLOWEST / v;
        s->vx[i] = vx * scale;
        s->vy[i] = vy * scale;
        s->x[i] = wrap(s->x[i] + s->vx[i] * dt);
        s->y[i] = wrap(s->y[i] + s->vy[i] * dt);
    }
    s->time += seconds;
    measure(s);
}

static void seed(void *p, uint64_t number)
{
    state_t *s = p;
    s->time = 0;
    s->noise = number;
    for (int i = 0; i < BOIDS; i++) {
        s->x[i] = wrap(WORLD * 0.5f * (1 + noise(s)));
        s->y[i] = wrap(WORLD * 0.5f * (1 + noise(s)));
        s->vx[i] = FASTEST * noise(s);
        s->vy[i] = FASTEST * noise(s);
    }
    measure(s);
}

static void init(void *p)
{
    seed(p, 0);
}

static void tick(void *p, double dt)
{
    step(p, dt);
}

static void tick_batch(void *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        step((state_t *)((char *)base + i * stride), dt);
}

static void shutdown(void *p)
{
    (void)p;
}

static const logic_field_t fields[] = {
    LOGIC_FIELD(state_t, time),
    LOGIC_FIELD(state_t, noise),
    LOGIC_FIELD_SHOWN(state_t, order),
    LOGIC_FIELD_SHOWN(state_t, neighbours),
    LOGIC_FIELD_SHOWN(state_t, spread),
    LOGIC_FIELD_SHOWN(state_t, speed),
    LOGIC_ARRAY(state_t, x),
    LOGIC_ARRAY(state_t, y),
    LOGIC_ARRAY(state_t, vx),
    LOGIC_ARRAY(state_t, vy),
};

static logic_api_t api = {
    .api_version = LOGIC_API_VERSION,
    .api_revision = LOGIC_API_REVISION,
    .state_size = sizeof(state_t),
    .init = init,
    .tick = tick,
    .shutdown = shutdown,
    .seed = seed,
    .tick_batch = tick_batch,
    .fields = fields,
    .field_count = LOGIC_COUNT(fields),
};

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return &api;
}
