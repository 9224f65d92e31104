// build: cc -shared -fPIC -I.. -o api_wild.so api_wild.c
// alone: SIGSEGV
// logic_get_api returns an address where nothing is mapped.
// The host must compare it with the library's own mapping before it reads a byte, and refuse it at the guard.
#include "logic.h"

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return (logic_api_t *)0x10000000010;
}
