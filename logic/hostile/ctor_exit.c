// build: cc -shared -fPIC -I.. -o ctor_exit.so ctor_exit.c
// alone: exit 3
// Ends the process in a constructor.
// The host must refuse it in the trial: a child that ended before it answered.
#include <stdlib.h>
#include "counter.h"

__attribute__((constructor)) static void on_load(void)
{
    exit(3);
}

PLUGIN(init, count, shutdown)
