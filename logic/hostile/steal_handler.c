// build: cc -shared -fPIC -I.. -o steal_handler.so steal_handler.c
// alone: survives
// Takes SIGSEGV for itself: from then on the host's containment and Go's own nil checks end in its handler.
// The host must warn that it imports sigaction, and put its own handlers back.
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>
#include "counter.h"

static void on_fault(int signal)
{
    _exit(128 + signal);
}

static void steal(void)
{
    struct sigaction mine = { .sa_handler = on_fault };
    sigaction(SIGSEGV, &mine, NULL);
}

static void tick(void *p, double dt)
{
    if (due(p))
        steal();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
