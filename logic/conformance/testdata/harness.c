/* harness.c: a host without any precaution, for the tests.
 *
 *     harness layout                                 offsets and sizes of the ABI's structs
 *     harness describe LIB                           the API's numbers and the field table
 *     harness run LIB single|batch SHARDS TICKS SEED every shard's bytes after so many ticks, a line of hex each
 *     harness alone LIB TICKS                        every function of the plugin; exit 0 if all is well, 100 if there
 *                                                    is no API, 102 if the score is not TICKS
 *     harness unload LIB TICKS                       the same, then dlclose; exit 101 if the library is still mapped
 */
#define _GNU_SOURCE
#include "logic.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DT 0.125

static void *library;

static void fail(const char *what)
{
    fprintf(stderr, "harness: %s\n", what);
    exit(99);
}

static logic_api_t *load(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        fail(dlerror());
    void *symbol = dlsym(library, "logic_get_api");
    if (!symbol)
        fail(dlerror());
    logic_api_t *(*get_api)(void);
    memcpy(&get_api, &symbol, sizeof get_api); /* ISO C has no cast from object to function pointers */
    return get_api();
}

/* Zeroed, page-aligned, with room behind it. */
static char *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes + (1 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        fail("no memory");
    return p;
}

#define OFFSET(T, member) printf(#T "." #member " %zu\n", offsetof(T, member))

static void layout(void)
{
    OFFSET(logic_api_t, api_version);
    OFFSET(logic_api_t, api_revision);
    OFFSET(logic_api_t, state_size);
    OFFSET(logic_api_t, init);
    OFFSET(logic_api_t, tick);
    OFFSET(logic_api_t, shutdown);
    OFFSET(logic_api_t, seed);
    OFFSET(logic_api_t, tick_batch);
    OFFSET(logic_api_t, before_reload);
    OFFSET(logic_api_t, after_reload);
    OFFSET(logic_api_t, migrate);
    OFFSET(logic_api_t, fields);
    OFFSET(logic_api_t, field_count);
    OFFSET(logic_api_t, state_revision);
    printf("logic_api_t %zu\n", sizeof(logic_api_t));
    OFFSET(logic_field_t, name);
    OFFSET(logic_field_t, type);
    OFFSET(logic_field_t, offset);
    OFFSET(logic_field_t, count);
    OFFSET(logic_field_t, flags);
    OFFSET(logic_field_t, reserved);
    printf("logic_field_t %zu\n", sizeof(logic_field_t));
}

static void describe(const logic_api_t *api)
{
    printf("api %d %d %zu\n", api->api_version, api->api_revision, api->state_size);
    if (api->api_revision < 1)
        return;
    for (size_t i = 0; i < api->field_count; i++) {
        const logic_field_t *f = &api->fields[i];
        printf("%s %u %u %u %u\n", f->name, f->type, f->offset, f->count, f->flags);
    }
}

static void run(const logic_api_t *api, int batch, size_t shards, long ticks, uint64_t seed)
{
    size_t stride = (api->state_size + 63) / 64 * 64;
    char *base = reserve(shards * stride);
    for (size_t i = 0; i < shards; i++) {
        api->init(base + i * stride);
        if (api->api_revision >= 1 && api->seed)
            api->seed(base + i * stride, seed + i);
    }
    for (long t = 0; t < ticks; t++) {
        if (batch)
            api->tick_batch(base, stride, shards, DT);
        else
            for (size_t i = 0; i < shards; i++)
                api->tick(base + i * stride, DT);
    }
    for (size_t i = 0; i < shards; i++) {
        for (size_t b = 0; b < api->state_size; b++)
            printf("%02x", (unsigned char)base[i * stride + b]);
        printf("\n");
        api->shutdown(base + i * stride);
    }
}

/* Every state here begins with the counter's score. */
static int alone(const logic_api_t *api, long ticks)
{
    if (!api)
        return 100;
    char *state = reserve(api->state_size);
    api->init(state);
    if (api->api_revision >= 1 && api->seed)
        api->seed(state, 1);
    for (long t = 0; t < ticks; t++)
        api->tick(state, DT);
    if (api->api_revision >= 1 && api->before_reload)
        api->before_reload(state);
    if (api->api_revision >= 1 && api->after_reload)
        api->after_reload(state);
    api->shutdown(state);
    int32_t score;
    memcpy(&score, state, sizeof score);
    return score == ticks ? 0 : 102;
}

static int still_mapped(const char *path)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        fail("cannot read /proc/self/maps");
    while (fgets(line, sizeof line, maps))
        found |= strstr(line, path) != NULL;
    fclose(maps);
    return found;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "layout")) {
        layout();
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "describe")) {
        describe(load(argv[2]));
        return 0;
    }
    if (argc == 7 && !strcmp(argv[1], "run")) {
        run(load(argv[2]), !strcmp(argv[3], "batch"), strtoul(argv[4], NULL, 10), atol(argv[5]),
            strtoull(argv[6], NULL, 10));
        return 0;
    }
    if (argc == 4 && !strcmp(argv[1], "alone"))
        return alone(load(argv[2]), atol(argv[3]));
    if (argc == 4 && !strcmp(argv[1], "unload")) {
        int code = alone(load(argv[2]), atol(argv[3]));
        dlclose(library); /* returns 0 even where the library stays: the memory map is the only witness */
        return code ? code : still_mapped(argv[2]) ? 101 : 0;
    }
    fail("usage: see the head of harness.c");
}
