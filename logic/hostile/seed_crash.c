// build: cc -shared -fPIC -I.. -o seed_crash.so seed_crash.c
// alone: SIGSEGV
// Crashes in seed.
// The host must refuse it as its first plugin, without a crash.
#include "counter.h"

static void seed(void *p, uint64_t number)
{
    (void)p;
    (void)number;
    write_null();
}

PLUGIN(init, count, shutdown, .seed = seed,)
