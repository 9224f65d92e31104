// build: cc -shared -fPIC -I.. -o ill.so ill.c
// alone: SIGILL
// Runs an instruction that does not exist.
// The host must recover as from any clean fault.
#include "counter.h"

#if defined(__x86_64__) || defined(__i386__)
#define ILLEGAL __asm__ volatile("ud2")
#else
#define ILLEGAL __asm__ volatile(".inst 0") /* arm64: udf #0 */
#endif

static void tick(void *p, double dt)
{
    if (due(p))
        ILLEGAL;
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
