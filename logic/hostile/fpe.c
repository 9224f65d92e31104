// build: cc -shared -fPIC -I.. -o fpe.so fpe.c
// alone: SIGFPE
// Divides an integer by zero, which traps on amd64 (on arm64 the quotient is 0 and nothing happens).
// The host must recover as from any clean fault.
#include "counter.h"

static volatile int zero;

static void tick(void *p, double dt)
{
    if (due(p))
        zero = 100 / zero;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
