/* The SLIP decoder: any bytes in any chunks give frames within its storage, the same ones whatever
 * the chunks; and what is encoded comes back. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/flash/slip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 48 };

/* A sum over all frames and errors, fed in pieces of @p step. */
static uint64_t digest(const uint8_t *data, size_t size, size_t step)
{
    uint8_t storage[CAP];
    struct slip_decoder d;
    uint64_t sum = 0;
    slip_decoder_init(&d, storage, sizeof storage);
    for (size_t at = 0; at < size;) {
        size_t n = size - at < step ? size - at : step, used;
        bool done;
        enum err e = slip_decode(&d, data + at, n, &used, &done);
        assert(used >= 1 && used <= n && d.len <= CAP);
        assert(!done || d.len > 0);
        if (e) sum = sum * 31 + 1;
        for (size_t i = 0; done && i < d.len; i++)
            sum = sum * 31 + storage[i] + 2;
        at += used;
    }
    return sum;
}

static void round_trip(const uint8_t *data, size_t size)
{
    struct buf wire;
    struct slip_decoder d;
    uint8_t *storage = malloc(size);
    size_t used;
    bool done;
    buf_init(&wire, 2 * size + 2);
    assert(storage && !slip_encode(data, size, &wire));
    slip_decoder_init(&d, storage, size);
    assert(!slip_decode(&d, wire.data, wire.len, &used, &done));
    assert(done && used == wire.len && d.len == size && !memcmp(storage, data, size));
    free(storage);
    buf_dispose(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = digest(data, size, size + 1);
    for (size_t step = 1; step <= 3; step++)
        assert(digest(data, size, step) == whole);
    if (size) round_trip(data, size);
    return 0;
}
