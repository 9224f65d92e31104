// build: cc -shared -fPIC -I.. -o lock_in_libc.so lock_in_libc.c
// alone: SIGSEGV
// Crashes while it holds libc's lock on stderr. The fault itself lies in the plugin's code and looks clean.
// The host must recover the worker and go on, and must not use libc's stderr itself.
#define _GNU_SOURCE
#include <stdio.h>
#include "counter.h"

static void crash_with_lock(void)
{
    flockfile(stderr);
    write_null();
    funlockfile(stderr);
}

static void tick(void *p, double dt)
{
    if (due(p))
        crash_with_lock();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
