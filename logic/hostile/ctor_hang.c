// build: cc -shared -fPIC -I.. -o ctor_hang.so ctor_hang.c
// alone: hangs
// Never returns from a constructor, with the loader's lock held.
// The host must refuse it when the trial's time is up, and kill the child.
#include <unistd.h>
#include "counter.h"

__attribute__((constructor)) static void on_load(void)
{
    for (;;)
        pause();
}

PLUGIN(init, count, shutdown)
