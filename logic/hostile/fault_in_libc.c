// build: cc -shared -fPIC -I.. -o fault_in_libc.so fault_in_libc.c
// alone: SIGSEGV
// Passes a bad address to memcpy, so that the fault lies in libc's code.
// The host must recover the worker and treat the artifact as poisoned: of libc's state nothing is known.
#include <string.h>
#include "counter.h"

static void *volatile bad = (void *)0x20;
static volatile size_t size = sizeof(state_t);

static void tick(void *p, double dt)
{
    if (due(p))
        memcpy(bad, p, size);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
