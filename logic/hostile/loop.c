// build: cc -shared -fPIC -I.. -o loop.so loop.c
// alone: hangs
// Loops for ever, in its own code.
// The host must report the tick that is over its deadline, then cancel it and roll back; the other workers go on.
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        for (;;)
            ;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
