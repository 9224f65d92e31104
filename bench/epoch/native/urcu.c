// The read side of liburcu: a pointer is read and, in the qsbr flavour, a quiescent state announced after each read.
// Usage: urcu THREADS MICROSECONDS true|false (a writer every millisecond). Prints how many processors
// the readers had on average, and the CPU nanoseconds of a read.
#define _GNU_SOURCE
#define _LGPL_SOURCE // the inline read side
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef QSBR
#include <urcu-qsbr.h>
#else
#define RCU_MEMBARRIER
#include <urcu.h>
#endif

struct value { long n; };
static struct value *current __attribute__((aligned(128)));
static char pad[128];
static int stop __attribute__((aligned(128)));
enum { BATCH = 1024, MOST = 64 };
struct result { long reads, sum; double ns; char pad[128]; };

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void *reader(void *arg)
{
	struct result *r = arg;
	rcu_register_thread();
	double start = now(CLOCK_THREAD_CPUTIME_ID);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (int i = 0; i < BATCH; i++) {
			rcu_read_lock();
			r->sum += rcu_dereference(current)->n;
			rcu_read_unlock();
#ifdef QSBR
			rcu_quiescent_state();
#endif
		}
		r->reads += BATCH;
	}
	r->ns = now(CLOCK_THREAD_CPUTIME_ID) - start;
	rcu_unregister_thread();
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int threads = atoi(argv[1]), writer = !strcmp(argv[3], "true");
	long span = atol(argv[2]);
	static struct result results[MOST];
	pthread_t ids[MOST];
	if (threads < 1 || threads > MOST)
		return 2;
	current = calloc(1, sizeof *current);
	for (int i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, reader, &results[i]);
	double start = now(CLOCK_MONOTONIC);
	for (double end = start + span * 1e3; now(CLOCK_MONOTONIC) < end;) {
		usleep(1000);
		if (writer) {
			struct value *old = current, *next = calloc(1, sizeof *next);
			rcu_assign_pointer(current, next);
			synchronize_rcu();
			free(old);
		}
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	double ns = 0;
	long reads = 0;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ns += results[i].ns;
		reads += results[i].reads;
	}
	printf("%.2f %.4f\n", ns / (now(CLOCK_MONOTONIC) - start), ns / reads);
	return pad[0];
}
