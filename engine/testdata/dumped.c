/* dumped.c: SAMPLE, one of the plugins in logic/, whose shutdown appends the state to the file named by dump ("process:path"). */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define logic_get_api sample_get_api
#include SAMPLE
#undef logic_get_api

/* A test writes over these in the built library: other bytes, the same code. */
__attribute__((used)) static volatile const char stamp[16] = "@stamp@";
static volatile const char dump[512] = "@dump@";

static void append(void *p)
{
    char *path;
    if (strtol((const char *)dump, &path, 10) != getpid() || *path++ != ':')
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0)
        return;
    if (write(fd, p, sizeof(state_t)) != (ssize_t)sizeof(state_t))
        unlink(path);
    close(fd);
}

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    api.shutdown = append;
    return sample_get_api();
}
