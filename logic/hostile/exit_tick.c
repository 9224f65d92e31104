// build: cc -shared -fPIC -I.. -o exit_tick.so exit_tick.c
// alone: exit 7
// Ends the process in a tick.
// The host must refuse it in the trial and warn that it imports exit; in the host itself nothing can stop it.
#include <stdlib.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        exit(7);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
