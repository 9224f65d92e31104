// build: cc -shared -fPIC -I.. -o init_crash.so init_crash.c
// alone: SIGSEGV
// Crashes in init.
// The host must refuse it as its first plugin, without a crash; on a reload init does not run, and all goes well.
#include "counter.h"

static void bad_init(void *p)
{
    init(p);
    write_null();
}

PLUGIN(bad_init, count, shutdown)
