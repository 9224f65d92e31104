// build: c++ -std=c++17 -shared -fPIC -I.. -o unique.so unique.cpp
// alone: stays
// Has an inline static, which g++ makes unique in the process (STB_GNU_UNIQUE): the library is never unloaded, and the
// next version goes on with this one's `ticks` instead of its own.
// The host must find the symbol, warn with the remedy (a version script that exports logic_get_api alone), refuse it
// under --strict, and otherwise count it as pinned.
#include "counter.h"

struct Registry {
    static inline long ticks = 0;
};

static void tick(void *p, double dt)
{
    Registry::ticks++;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
