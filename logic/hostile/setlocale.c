// build: cc -shared -fPIC -I.. -o setlocale.so setlocale.c
// alone: survives
// Changes the locale of the whole process, which no other thread expects.
// The host must not depend on libc's locale.
#include <locale.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        setlocale(LC_ALL, "C.UTF-8");
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
