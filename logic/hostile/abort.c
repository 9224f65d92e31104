// build: cc -shared -fPIC -I.. -o abort.so abort.c
// alone: SIGABRT
// Gives up with abort(), as a failed assert does.
// The host must recover the worker, and never run this artifact again: locks of libc may be held.
#include <stdlib.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        abort();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
