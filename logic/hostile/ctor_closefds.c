// build: cc -shared -fPIC -I.. -o ctor_closefds.so ctor_closefds.c
// alone: survives
// Closes every descriptor but the three standard ones in a constructor, the host's sockets and watches among them.
// The host must notice in the trial that its child no longer answers, and refuse it.
#include <unistd.h>
#include "counter.h"

__attribute__((constructor)) static void on_load(void)
{
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
}

PLUGIN(init, count, shutdown)
