// build: cc -shared -fPIC -I.. -o overrun.so overrun.c
// alone: survives
// Writes 256 bytes past the end of its state: onto its neighbours' shards, or a guard page.
// The host must refuse it in the trial, where the bytes around the state are watched; it cannot undo it afterwards.
#include <string.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        memset((state_t *)p + 1, 0xA5, 256);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
