// build: cc -shared -fPIC -I.. -o before_reload_crash.so before_reload_crash.c
// alone: SIGSEGV
// Crashes in before_reload.
// The host must recover, and let the new code take over all the same: this is the code that leaves.
#include "counter.h"

static void before_reload(void *p)
{
    (void)p;
    write_null();
}

PLUGIN(init, count, shutdown, .before_reload = before_reload,)
