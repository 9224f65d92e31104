/* A plugin that tells when it has run: the first tick of each build writes its number, the process and the state's ticks to
 * a file. With CR it is a guest of cr.h as well. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUILD 0
#define TOLD  "told"

typedef struct {
    int api_version;
    size_t state_size;
    void (*init)(void *state);
    void (*tick)(void *state, double dt);
    void (*shutdown)(void *state);
} logic_api_t;

typedef struct { long ticks; } state_t;

static void init(void *p) { *(state_t *)p = (state_t){0}; }

static void tick(void *p, double dt)
{
    static int told;
    state_t *s = p;
    (void)dt;
    s->ticks++;
    if (told != BUILD + 1) { /* cr.h carries statics over */
        char text[64];
        int n = snprintf(text, sizeof text, "%d %d %ld\n", BUILD, (int)getpid(), s->ticks);
        int fd = open(TOLD, O_WRONLY | O_CREAT | O_APPEND, 0600);
        told = BUILD + 1;
        if (fd >= 0) {
            if (write(fd, text, n) != n)
                abort();
            close(fd);
        }
    }
}

static void shutdown(void *p) { (void)p; }

static logic_api_t api = { 1, sizeof(state_t), init, tick, shutdown };

#ifdef CR
#include "cr.h"
CR_EXPORT int cr_main(struct cr_plugin *context, enum cr_op operation)
{
    if (operation == CR_STEP)
        api.tick(context->userdata, 0.001);
    return 0;
}
#else
logic_api_t *logic_get_api(void) { return &api; }
#endif
