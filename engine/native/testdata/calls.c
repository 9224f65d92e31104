/* Functions to call and ways to fail. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t ticks;
    int32_t pad;
    double time;
} state_t;

volatile int zero;

void tick(state_t *s, double dt) { s->ticks++; s->time += dt; }
void tick_batch(char *base, size_t stride, size_t count, double dt)
{
    for (size_t i = 0; i < count; i++)
        tick((state_t *)(base + i * stride), dt);
}
void seed(uint64_t *s, uint64_t n) { *s = n; }
void init(state_t *s) { s->ticks = 1; }
void migrate(uint64_t *to, const uint64_t *from, size_t size, int32_t revision)
{
    to[0] = from[0] + size;
    to[1] = (uint64_t)(int64_t)revision;
}
void migrate_faults(uint64_t *to, const uint64_t *from) { to[0] = from[0]; *(volatile int *)8 = 1; }
void *get(void) { return (void *)&zero; }

/* Each writes its state first, so that what a fault leaves can be seen. */
void null_write(state_t *s) { s->ticks++; *(volatile int *)8 = 1; }
void non_canonical(state_t *s) { s->ticks++; *(volatile int *)0xdead000000000000 = 1; }
void divide(state_t *s) { s->ticks++; zero = 100 / zero; }
void illegal(state_t *s) { s->ticks++; __builtin_trap(); }
void call_null(state_t *s) { s->ticks++; ((void (*)(void))(uintptr_t)zero)(); }
void call_wild(state_t *s) { s->ticks++; ((void (*)(void))(uintptr_t)(0x1234 + zero))(); }
void aborts(state_t *s) { s->ticks++; abort(); }
void in_libc(state_t *s) { s->ticks++; memcpy((void *)(uintptr_t)(0x20 + zero), s, 4000 + zero); }
static int deeper(volatile int n)
{
    volatile char pad[3000];
    pad[0] = (char)n;
    return deeper(n + 1) + pad[0];
}
void overflow(state_t *s) { s->ticks++; zero = 0; deeper(0); }
void flags(state_t *s) /* leaves direction flag and rounding in disorder, and then faults */
{
    s->ticks++;
    unsigned csr = 0xffc0 | 0x1f80;
    __asm__ volatile("ldmxcsr %0; std" ::"m"(csr));
    *(volatile int *)8 = 1;
}
void third_faults(state_t *s) { if (++s->ticks == 3) *(volatile int *)8 = 1; }
void fault_if_marked(state_t *s) { if (s->pad) *(volatile int *)8 = 1; s->ticks++; }

void spin(state_t *s) { *(volatile int32_t *)&s->ticks += 1; for (;; zero = 0) {} }
void steal(state_t *s) { signal(SIGSEGV, SIG_DFL); signal(SIGFPE, SIG_DFL); s->ticks++; }
void external(state_t *s) { raise(SIGSEGV); s->ticks++; }
