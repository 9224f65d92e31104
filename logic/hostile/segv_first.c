// build: cc -shared -fPIC -I.. -o segv_first.so segv_first.c
// alone: SIGSEGV
// Writes to NULL in its first tick, whatever the score.
// The host must refuse it in the trial; without one, recover the worker, restore the shard, and run the tick again with
// the code before it, or, with none before it, quarantine the shard.
#define TRIGGER 0
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        write_null();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
