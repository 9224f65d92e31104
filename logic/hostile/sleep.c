// build: cc -shared -fPIC -I.. -o sleep.so sleep.c
// alone: hangs
// Sleeps for ten seconds in a tick: late, but in a system call and not in its own code.
// The host must report the late tick and wait: to cancel a thread inside libc is not safe. Other workers go on.
#include <unistd.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        sleep(10);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
