// build: cc -shared -fPIC -I.. -o segv_late.so segv_late.c
// alone: SIGSEGV
// Writes to NULL at the 2000th tick, long after trial and probation.
// The host must recover the worker, restore the shard, and roll back to the generation before.
#ifndef TRIGGER
#define TRIGGER 2000
#endif
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        write_null();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
