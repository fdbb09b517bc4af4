#include "service/base/shared_text.h"

#include <stdlib.h>
#include <string.h>

struct shared_text *shared_text_new(const char *bytes, size_t n)
{
    struct shared_text *t = malloc(sizeof *t + n);
    if (!t) return NULL;
    atomic_init(&t->refs, 1);
    t->len = n;
    memcpy(t->bytes, bytes, n);
    return t;
}

struct shared_text *shared_text_ref(struct shared_text *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void shared_text_unref(struct shared_text *t)
{
    if (t && atomic_fetch_sub(&t->refs, 1) == 1) free(t);
}
