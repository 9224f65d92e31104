// A host with cr.h, whose source is looked for where the benchmark was told: it looks for a new library every millisecond.
#include <cstdlib>
#include <ctime>
#define CR_HOST CR_UNSAFE
#include "cr.h"

int main(int argc, char **argv)
{
    if (argc != 2)
        return 1;
    cr_plugin context;
    context.userdata = calloc(1, 4096);
    if (!cr_plugin_open(context, argv[1]))
        return 1;
    for (;;) {
        cr_plugin_update(context);
        timespec ms = {0, 1000000};
        nanosleep(&ms, nullptr);
    }
}
