// build: cc -shared -fPIC -I.. -o chdir.so chdir.c
// alone: survives
// Changes the working directory of the whole process.
// The host must use absolute paths from its start, so that watching and building go on.
#include <unistd.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        (void)!chdir("/");
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
