// build: cc -shared -fPIC -Wl,-z,nodelete -I.. -o nodelete.so nodelete.c
// alone: stays
// Asks never to be unloaded: dlclose returns 0 and the library stays.
// The host must find DF_1_NODELETE, say so, and count the library as pinned.
#include "counter.h"

PLUGIN(init, count, shutdown)
