/* kinds.c: a state with a member of every kind, described by the macros of logic.h; valid C99 and C++14. Prints one line
 * a field, "name type count", or fails if an offset is wrong. */
#include "logic.h"

#include <stdbool.h>
#include <stdio.h>

enum colour { RED, GREEN };
struct pair { int32_t a; float b; };

typedef struct {
    bool               flag;
    char               letter;
    signed char        i8;
    unsigned char      u8;
    short              i16;
    unsigned short     u16;
    int                i32;
    unsigned           u32;
    long               word;
    unsigned long      uword;
    long long          i64;
    unsigned long long u64;
    float              f32;
    double             f64;
    long double        wide;
    enum colour        colour;
    const int          fixed;
    volatile short     changing;
    int               *pointer;
    const char *const  text;
    void             (*function)(void);
    char               name[16];
    char               tag[8]; /* as large as a pointer */
    double             samples[3];
    void              *pointers[2];
    struct pair        pair;
    struct pair        pairs[4];
    float              grid[4][3];
} state_t;

static const logic_field_t fields[] = {
    LOGIC_FIELD(state_t, flag),      LOGIC_FIELD(state_t, letter),      LOGIC_FIELD(state_t, i8),
    LOGIC_FIELD(state_t, u8),        LOGIC_FIELD(state_t, i16),         LOGIC_FIELD(state_t, u16),
    LOGIC_FIELD(state_t, i32),       LOGIC_FIELD(state_t, u32),         LOGIC_FIELD(state_t, word),
    LOGIC_FIELD(state_t, uword),     LOGIC_FIELD(state_t, i64),         LOGIC_FIELD(state_t, u64),
    LOGIC_FIELD(state_t, f32),       LOGIC_FIELD(state_t, f64),         LOGIC_FIELD(state_t, wide),
    LOGIC_FIELD(state_t, colour),    LOGIC_FIELD(state_t, fixed),       LOGIC_FIELD(state_t, changing),
    LOGIC_FIELD(state_t, pointer),   LOGIC_FIELD(state_t, text),        LOGIC_FIELD(state_t, function),
    LOGIC_ARRAY(state_t, name),      LOGIC_ARRAY(state_t, tag),         LOGIC_ARRAY(state_t, samples),
    LOGIC_ARRAY(state_t, pointers),  LOGIC_FIELD(state_t, pair),        LOGIC_FIELD(state_t, pair.b),
    LOGIC_ARRAY(state_t, pairs),     LOGIC_FIELD(state_t, pairs[2].a),  LOGIC_ARRAY(state_t, grid),
#ifdef WRONG_FIELD
    LOGIC_FIELD(state_t, name),
#endif
#ifdef WRONG_ARRAY
    LOGIC_ARRAY(state_t, pointer),
#endif
};

int main(void)
{
    for (size_t i = 0; i < LOGIC_COUNT(fields); i++)
        printf("%s %u %u\n", fields[i].name, fields[i].type, fields[i].count);
    return fields[28].offset != offsetof(state_t, pairs) + 2 * sizeof(struct pair);
}
