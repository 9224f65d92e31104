// build: cc -shared -fPIC -I.. -o shutdown_crash.so shutdown_crash.c
// alone: SIGSEGV
// Crashes in shutdown, when the host ends.
// The host must recover, call shutdown for the other shards, and end in order.
#include "counter.h"

static void bad_shutdown(void *p)
{
    (void)p;
    write_null();
}

PLUGIN(init, count, bad_shutdown)
