// build: c++ -std=c++17 -shared -fPIC -I.. -o throw.so throw.cpp
// alone: SIGABRT
// Lets a C++ exception out of tick. Nobody catches it: std::terminate, hence abort().
// The host must treat it like any abort.
#include "counter.h"

static void tick(void *p, double dt)
{
    if (due(p))
        throw 42;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
