// build: cc -shared -fPIC -I.. -o stdout_flood.so stdout_flood.c
// alone: survives
// Prints a thousand lines in every tick.
// The host must go on ticking and keep its own lines whole; the trial must not fill up or block on the child's output.
#include <stdio.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        for (int i = 0; i < 1000; i++)
            puts("tick tick tick tick tick tick tick tick tick tick tick tick");
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
