// build: cc -shared -fPIC -I.. -o double_free.so double_free.c
// alone: SIGABRT
// Frees the same memory twice; glibc notices and aborts, its allocator's lock held or its lists damaged.
// The host must refuse it in the trial; without one, treat the artifact as poisoned.
#include <stdlib.h>
#include "counter.h"

static void free_twice(void)
{
    void *volatile memory = malloc(100);
    free(memory);
    free(memory);
}

static void tick(void *p, double dt)
{
    if (due(p))
        free_twice();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
