/* The host of those who restart it: it loads the plugin once and ticks it every millisecond. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    int api_version;
    size_t state_size;
    void (*init)(void *state);
    void (*tick)(void *state, double dt);
    void (*shutdown)(void *state);
} logic_api_t;

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    logic_api_t *(*get)(void) = library ? (logic_api_t *(*)(void))dlsym(library, "logic_get_api") : NULL;
    if (!get)
        return fprintf(stderr, "host: %s\n", argc == 2 ? dlerror() : "expected a library"), 1;
    logic_api_t *api = get();
    void *state = calloc(1, api->state_size);
    for (api->init(state);;) {
        api->tick(state, 0.001);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}
