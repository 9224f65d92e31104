// build: c++ -std=c++17 -shared -fPIC -I.. -o tls_dtor.so tls_dtor.cpp
// alone: stays
// Has a thread_local with a destructor: every thread that ticked it keeps the library mapped until the thread ends.
// The host must find the import of __cxa_thread_atexit, move its workers to fresh threads, and then unload it.
#include "counter.h"

struct Guard {
    volatile long ticks = 0;
    ~Guard() { ticks = -1; }
};

static thread_local Guard guard;

static void tick(void *p, double dt)
{
    guard.ticks = guard.ticks + 1;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
