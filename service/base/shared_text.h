/* shared_text: bytes that are made once and read by many: counted, never changed. */
#ifndef SERVICE_BASE_SHARED_TEXT_H
#define SERVICE_BASE_SHARED_TEXT_H

#include <stdatomic.h>
#include <stddef.h>

struct shared_text {
    atomic_uint refs;
    size_t len;
    char bytes[];
};

/** A copy of @p n bytes, held once. NULL: out of memory. */
struct shared_text *shared_text_new(const char *bytes, size_t n);
/** Hold it once more. @return @p t */
struct shared_text *shared_text_ref(struct shared_text *t);
/** Hold it once less; the last frees it. NULL allowed. */
void shared_text_unref(struct shared_text *t);
#endif
