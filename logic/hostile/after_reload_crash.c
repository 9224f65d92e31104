// build: cc -shared -fPIC -I.. -o after_reload_crash.so after_reload_crash.c
// alone: SIGSEGV
// Crashes in after_reload.
// The host must recover, refuse this code, and let the old code go on with the state as it was before the reload.
#include "counter.h"

static void after_reload(void *p)
{
    (void)p;
    write_null();
}

PLUGIN(init, count, shutdown, .after_reload = after_reload,)
