// build: cc -shared -fPIC -I.. -o fork.so fork.c
// alone: survives
// Forks in a tick: a second host appears, with one thread, the same descriptors and the same state file.
// The host must warn that it imports fork, see in the trial that its child left a process behind, and end both.
#include <unistd.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        (void)!(once() && fork());
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
