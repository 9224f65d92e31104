// build: cc -shared -fPIC -I.. -o ctor_crash.so ctor_crash.c
// alone: SIGSEGV
// Crashes in a constructor, inside dlopen and before any check of the API.
// The host must refuse it in the trial, where a child dies in its stead, and go on with the old code.
#include "counter.h"

__attribute__((constructor)) static void on_load(void)
{
    write_null();
}

PLUGIN(init, count, shutdown)
