// build: cc -shared -fPIC -pthread -I.. -o thread.so thread.c
// alone: survives
// Leaves a thread running in its code, which dies with the host's process if the library is unmapped under it.
// The host must warn that it imports pthread_create, and keep such a library mapped when it retires.
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>
#include "counter.h"

static volatile long turns;

static void *turn(void *none)
{
    for (;; turns++)
        usleep(1000);
    return none;
}

static void start(void)
{
    pthread_t thread;
    if (once() && pthread_create(&thread, NULL, turn, NULL) == 0)
        pthread_detach(thread);
}

static void tick(void *p, double dt)
{
    if (due(p))
        start();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
