// build: cc -shared -fPIC -I.. -o fd_leak.so fd_leak.c
// alone: survives
// Opens a file in every tick and never closes it.
// The host must show the number of its descriptors in its metrics, and must not fall when none are left.
#include <fcntl.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        (void)!open("/dev/null", O_RDONLY);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
