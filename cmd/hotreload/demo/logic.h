/* logic.h: the whole contract between a hotreload host and a native plugin.
 *
 * A plugin is a shared library that exports one function, logic_get_api. The host owns the state: it allocates
 * `state_size` bytes for each shard, zeroed, aligned to 64 bytes, at an address that never moves, and hands them to
 * the functions below. Code comes and goes with each reload; the state stays. Hence the three rules:
 *
 *   1. Keep everything that must survive a reload in the state. Static variables start afresh with each library.
 *   2. Store no pointer to code, string literals or statics of the plugin in the state: they vanish with the library.
 *   3. One shard is ticked by one thread at a time, but different shards run in parallel: share nothing mutable.
 *
 * Smallest plugin:
 *
 *     #include "logic.h"
 *     typedef struct { int score; double time; } state_t;
 *     static void init(void *p)               { *(state_t *)p = (state_t){0}; }
 *     static void tick(void *p, double dt)    { state_t *s = p; s->score++; s->time += dt; }
 *     static void shutdown(void *p)           { (void)p; }
 *     static const logic_field_t fields[] = { LOGIC_FIELD(state_t, score), LOGIC_FIELD(state_t, time) };
 *     static logic_api_t api = {
 *         .api_version = LOGIC_API_VERSION, .api_revision = LOGIC_API_REVISION, .state_size = sizeof(state_t),
 *         .init = init, .tick = tick, .shutdown = shutdown, .fields = fields, .field_count = LOGIC_COUNT(fields),
 *     };
 *     LOGIC_EXPORT logic_api_t *logic_get_api(void) { return &api; }
 *
 * Build: cc -shared -fPIC -o logic.so logic.c
 *
 * The header is C99 (the field macros use C11 _Generic) and C++14. It may be copied into your project.
 */
#ifndef HOTRELOAD_LOGIC_H
#define HOTRELOAD_LOGIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version: a plugin with another version is refused. Revision: what the host does not know it does not read, and what
 * an older plugin does not have counts as NULL. A plugin that knows nothing of revisions (the four bytes are padding
 * there) reads as revision 0. */
#define LOGIC_API_VERSION  1
#define LOGIC_API_REVISION 1

/* What one field of the state holds. */
typedef enum {
    LOGIC_I8 = 1, LOGIC_U8, LOGIC_I16, LOGIC_U16, LOGIC_I32, LOGIC_U32, LOGIC_I64, LOGIC_U64,
    LOGIC_F32, LOGIC_F64,
    LOGIC_BOOL,    /* one byte, 0 or 1 */
    LOGIC_CHAR,    /* a byte of text; an array of them is a string, cut at its first NUL */
    LOGIC_POINTER, /* eight bytes; such a state cannot be copied to another process, so its trial stops at the guard */
    LOGIC_BYTES    /* anything else: `count` opaque bytes, compared by size alone */
} logic_type_t;

enum { LOGIC_SHOW = 1 }; /* field flag: part of the [state] line; without any such field, the first is shown */

/* One field of the state. Nested structs are written out with dotted names: "pos.x". 32 bytes. */
typedef struct {
    const char *name;   /* unique, NUL-terminated, at most 255 bytes */
    uint32_t    type;   /* logic_type_t */
    uint32_t    offset; /* bytes from the start of the state */
    uint32_t    count;  /* elements of an array, 1 for a single value; bytes if LOGIC_BYTES */
    uint32_t    flags;  /* LOGIC_SHOW or 0 */
    uint64_t    reserved; /* 0 */
} logic_field_t;

/* The API. Must have static storage in the plugin: the host refuses a pointer that leads outside the library.
 * init, tick and shutdown are required; all else may be NULL or 0. No function may block, exit or let an exception out. */
typedef struct {
    int32_t api_version;  /* LOGIC_API_VERSION */
    int32_t api_revision; /* LOGIC_API_REVISION */
    size_t  state_size;   /* bytes of one shard's state, 1 or more */

    /* Once per shard for the life of its state, on zeroed memory; never on a reload. */
    void (*init)(void *state);
    /* Once per shard and tick. dt is the tick's length in seconds of simulated time, the same at every tick. */
    void (*tick)(void *state, double dt);
    /* Once per shard when the host ends. With --state-file the state lives on: what shutdown writes to it is not kept. */
    void (*shutdown)(void *state);

    /* ---- revision 1 ---- */

    /* After init, once per shard: a number that depends on --seed and the shard alone. Draw all randomness from it and
     * a run can be repeated, byte for byte. */
    void (*seed)(void *state, uint64_t seed);
    /* Replaces the host's loop over tick: `count` states, the first at base, each `stride` bytes after the last.
     * A worker passes all of its shards at once; how many that is must not change the result. */
    void (*tick_batch)(void *base, size_t stride, size_t count, double dt);
    /* Per shard at a reload, between two ticks: first before_reload of the code that leaves, then after_reload of the
     * code that arrives. For caches and handles in the state that belong to one build of the code. after_reload also
     * runs, without a before_reload, when a host goes on with a state file: what it finds is from another process. */
    void (*before_reload)(void *state);
    void (*after_reload)(void *state);
    /* When the layout of the state has changed and --migrate allows it: fill dst, which init has prepared, from src,
     * `src_size` bytes in the layout whose state_revision was from_revision. */
    void (*migrate)(void *dst, const void *src, size_t src_size, int32_t from_revision);

    /* The layout of the state: what the host shows, compares and migrates by. Debug information (-g) serves instead;
     * with neither, only the size is compared. */
    const logic_field_t *fields;
    size_t               field_count;
    /* Your number for the layout of the state; handed to the migrate of a later build. */
    int32_t              state_revision;
} logic_api_t;

/* The one symbol a plugin exports. Called once per load, before any other function. */
#if defined(__GNUC__)
#define LOGIC_EXPORT __attribute__((visibility("default")))
#else
#define LOGIC_EXPORT
#endif
LOGIC_EXPORT logic_api_t *logic_get_api(void);

#define LOGIC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A field of the state, its type and offset taken from the declaration: LOGIC_FIELD(state_t, score), or, for an array,
 * LOGIC_ARRAY(state_t, name); the wrong one of the two does not compile. The _SHOWN forms put it into the [state] line.
 * A nested member is named as in an expression: LOGIC_FIELD(state_t, pos.x). Structs, and arrays of arrays or structs,
 * become LOGIC_BYTES. C and C++ describe the same declaration alike. */
#define LOGIC_FIELD(T, member)       LOGIC_SCALAR_(T, member, 0)
#define LOGIC_FIELD_SHOWN(T, member) LOGIC_SCALAR_(T, member, LOGIC_SHOW)
#define LOGIC_ARRAY(T, member)       LOGIC_ARRAY_(T, member, 0)
#define LOGIC_ARRAY_SHOWN(T, member) LOGIC_ARRAY_(T, member, LOGIC_SHOW)
#define LOGIC_SCALAR_(T, member, flags) \
    LOGIC_FIELD_(T, member, LOGIC_TYPE_(((T *)0)->member), \
                 LOGIC_COUNT_(((T *)0)->member, ((T *)0)->member) + LOGIC_EXPECT_SINGLE_(((T *)0)->member), flags)
#define LOGIC_ARRAY_(T, member, flags) \
    LOGIC_FIELD_(T, member, LOGIC_TYPE_(((T *)0)->member[0]), \
                 LOGIC_COUNT_(((T *)0)->member, ((T *)0)->member[0]) + LOGIC_EXPECT_ARRAY_(((T *)0)->member), flags)
#define LOGIC_COUNT_(whole, element) \
    (uint32_t)(LOGIC_TYPE_(element) == LOGIC_BYTES ? sizeof(whole) : sizeof(whole) / sizeof(element))
#define LOGIC_FIELD_(T, member, type, count, flags) { #member, type, (uint32_t)offsetof(T, member), count, flags, 0 }

#ifdef __cplusplus
} /* extern "C" */
namespace logic_detail {
template <class T, bool is_enum = __is_enum(T)> struct user_type { static constexpr uint32_t value = LOGIC_BYTES; };
template <class T> struct type_of : user_type<T> {};
template <class T> struct user_type<T, true> : type_of<__underlying_type(T)> {};
template <class T> struct type_of<T *> { static constexpr uint32_t value = LOGIC_POINTER; };
template <class T> struct type_of<T &> : type_of<T> {};
template <class T> struct type_of<const T> : type_of<T> {};
template <class T> struct type_of<volatile T> : type_of<T> {};
template <class T> struct type_of<const volatile T> : type_of<T> {};
template <class T> struct is_array { static constexpr bool value = false; };
template <class T> struct is_array<T &> : is_array<T> {};
template <class T, size_t n> struct is_array<T[n]> { static constexpr bool value = true; };
template <bool array> struct expect_single {
    static_assert(!array, "this member is an array: use LOGIC_ARRAY");
    static constexpr uint32_t zero = 0;
};
template <bool array> struct expect_array {
    static_assert(array, "this member is not an array: use LOGIC_FIELD");
    static constexpr uint32_t zero = 0;
};
#define LOGIC_TYPE_OF_(T, v) template <> struct type_of<T> { static constexpr uint32_t value = v; }
LOGIC_TYPE_OF_(bool, LOGIC_BOOL);
LOGIC_TYPE_OF_(char, LOGIC_CHAR);
LOGIC_TYPE_OF_(signed char, LOGIC_I8);
LOGIC_TYPE_OF_(unsigned char, LOGIC_U8);
LOGIC_TYPE_OF_(short, LOGIC_I16);
LOGIC_TYPE_OF_(unsigned short, LOGIC_U16);
LOGIC_TYPE_OF_(int, LOGIC_I32);
LOGIC_TYPE_OF_(unsigned, LOGIC_U32);
LOGIC_TYPE_OF_(long, (sizeof(long) == 8 ? LOGIC_I64 : LOGIC_I32));
LOGIC_TYPE_OF_(unsigned long, (sizeof(long) == 8 ? LOGIC_U64 : LOGIC_U32));
LOGIC_TYPE_OF_(long long, LOGIC_I64);
LOGIC_TYPE_OF_(unsigned long long, LOGIC_U64);
LOGIC_TYPE_OF_(float, LOGIC_F32);
LOGIC_TYPE_OF_(double, LOGIC_F64);
#undef LOGIC_TYPE_OF_
} // namespace logic_detail
#define LOGIC_TYPE_(lvalue)          logic_detail::type_of<decltype(lvalue)>::value
#define LOGIC_IS_ARRAY_(lvalue)      logic_detail::is_array<decltype(lvalue)>::value
#define LOGIC_EXPECT_SINGLE_(lvalue) logic_detail::expect_single<LOGIC_IS_ARRAY_(lvalue)>::zero
#define LOGIC_EXPECT_ARRAY_(lvalue)  logic_detail::expect_array<LOGIC_IS_ARRAY_(lvalue)>::zero
#else
/* __extension__: the same under -std=c99 -pedantic. */
#define LOGIC_TYPE_(lvalue) (__extension__ _Generic((lvalue), \
    _Bool: LOGIC_BOOL, char: LOGIC_CHAR, signed char: LOGIC_I8, unsigned char: LOGIC_U8, \
    short: LOGIC_I16, unsigned short: LOGIC_U16, int: LOGIC_I32, unsigned: LOGIC_U32, \
    long: (sizeof(long) == 8 ? LOGIC_I64 : LOGIC_I32), unsigned long: (sizeof(long) == 8 ? LOGIC_U64 : LOGIC_U32), \
    long long: LOGIC_I64, unsigned long long: LOGIC_U64, float: LOGIC_F32, double: LOGIC_F64, \
    default: (__builtin_classify_type(lvalue) == 5 && !LOGIC_IS_ARRAY_(lvalue) ? LOGIC_POINTER : LOGIC_BYTES)))
/* Two kinds of object change their type when they become a value: an array, and an _Atomic, which drops that word. */
#define LOGIC_IS_ARRAY_(lvalue) (__extension__ ( \
    !__builtin_types_compatible_p(__typeof__(lvalue), __typeof__((void)0, (lvalue))) && \
    !__builtin_types_compatible_p(__typeof__(lvalue), _Atomic __typeof__((void)0, (lvalue)))))
/* 0, or an error that names the bit-field; _Static_assert is not in C99. */
#define LOGIC_EXPECT_SINGLE_(lvalue) \
    (0 * (uint32_t)sizeof(struct { unsigned this_is_an_array_use_LOGIC_ARRAY : LOGIC_IS_ARRAY_(lvalue) ? -1 : 1; }))
#define LOGIC_EXPECT_ARRAY_(lvalue) \
    (0 * (uint32_t)sizeof(struct { unsigned this_is_not_an_array_use_LOGIC_FIELD : LOGIC_IS_ARRAY_(lvalue) ? 1 : -1; }))
#endif

#endif /* HOTRELOAD_LOGIC_H */
