// build: cc -shared -fPIC -I.. -o api_null.so api_null.c
// alone: refused
// Has no API to offer: logic_get_api returns NULL.
// The host must refuse it at the guard.
#include "logic.h"

LOGIC_EXPORT logic_api_t *logic_get_api(void)
{
    return NULL;
}
