// build: cc -fstack-clash-protection -shared -fPIC -I.. -o stack_overflow.so stack_overflow.c
// alone: SIGSEGV
// Recurses until the stack is used up. -fstack-clash-protection makes every frame touch the guard page.
// The host must recover on another stack than the one that is full.
#include "counter.h"

static char none;

static int deeper(volatile char *above)
{
    volatile char here[1024];
    here[0] = (char)(above[0] + 1);
    return deeper(here) + here[0];
}

static void tick(void *p, double dt)
{
    if (due(p))
        deeper(&none);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
