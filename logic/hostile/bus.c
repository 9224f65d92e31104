// build: cc -shared -fPIC -I.. -o bus.so bus.c
// alone: SIGBUS
// Reads from a mapping whose file has been cut short.
// The host must recover as from any clean fault.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include "counter.h"

static void read_beyond_end(void)
{
    FILE *file = tmpfile();
    if (!file || ftruncate(fileno(file), 4096))
        return;
    volatile char *page = (volatile char *)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (ftruncate(fileno(file), 0) == 0)
        (void)page[0];
}

static void tick(void *p, double dt)
{
    if (due(p))
        read_beyond_end();
    count(p, dt);
}

PLUGIN(init, tick, shutdown)
