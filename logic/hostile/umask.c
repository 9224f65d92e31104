// build: cc -shared -fPIC -I.. -o umask.so umask.c
// alone: survives
// Takes all permissions from every file that the process creates from then on.
// The host must set the modes of the files that matter to it explicitly.
#include <sys/stat.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        umask(0777);
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
