// build: cc -shared -fPIC -I.. -o steal_in_tick.so steal_in_tick.c
// alone: survives
// Resets SIGSEGV in the middle of a run, and writes to NULL once somebody has put a handler back.
// The host must do so by itself, without a reload, and recover from the fault.
#define _GNU_SOURCE
#include <signal.h>
#include "counter.h"

static void tick(void *p, double dt)
{
    static int stolen;
    struct sigaction now, none = { .sa_handler = SIG_DFL };
    if (due(p) && once()) {
        sigaction(SIGSEGV, &none, NULL);
        __atomic_store_n(&stolen, 1, __ATOMIC_SEQ_CST);
    } else if (__atomic_load_n(&stolen, __ATOMIC_SEQ_CST)) {
        sigaction(SIGSEGV, NULL, &now);
        if (now.sa_handler != SIG_DFL)
            write_null();
    }
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
