/* What compressing costs and gains: levels, memory (the smaller, the sooner the codes follow the
 * data), piece sizes and flushes, on an image as a factory flashes it. One JSON line each: bytes on
 * the wire with what each piece costs there besides, the time of that at 921600 baud, and of one
 * core. */
#include <stdbool.h>
#include <time.h>
#include <zlib.h>

#include "tests/bench/factory_image.h"

enum {
    BAUD = 921600,
    PIECE_COST = 230, /* bytes: SPI_SET_PARAMS, DEFL_BEGIN, MD5, with their answers */
    BLOCK = 4096,
    BLOCK_COST = 42 /* bytes: head, delimiters, answer */
};

struct way {
    int level, memory; /* of zlib */
    size_t piece;      /* bytes, each a stream of its own */
    size_t flush;      /* bytes between two flushes */
};

struct result {
    size_t packed, pieces;
    double cpu_ms;
};

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static size_t pack(const uint8_t *data, const struct way *w, uint8_t *out, size_t cap)
{
    z_stream z = {0};
    if (deflateInit2(&z, w->level, Z_DEFLATED, 15, w->memory, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    z.next_out = out;
    z.avail_out = (uInt)cap;
    for (size_t at = 0; at < w->piece; at += w->flush) {
        z.next_in = (Bytef *)(uintptr_t)(data + at);
        z.avail_in = (uInt)w->flush;
        if (deflate(&z, Z_SYNC_FLUSH) != Z_OK) abort();
    }
    size_t made = cap - z.avail_out;
    deflateEnd(&z);
    return made;
}

static bool is_blank(const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != 0xff) return false;
    return true;
}

static struct result run(const uint8_t *image, const struct way *w)
{
    struct result r = {0};
    size_t cap = 2 * w->piece;
    uint8_t *out = malloc(cap);
    if (!out) abort();
    double start = cpu_ms();
    for (size_t at = 0; at < FACTORY_BYTES; at += w->piece) {
        r.pieces++;
        if (!is_blank(image + at, w->piece)) r.packed += pack(image + at, w, out, cap);
    }
    r.cpu_ms = cpu_ms() - start;
    free(out);
    return r;
}

static void show(const uint8_t *image, int level, int memory, size_t piece, size_t flush)
{
    const struct way w = {level, memory, piece, flush};
    struct result r = run(image, &w);
    size_t wire = r.packed + r.packed / BLOCK * BLOCK_COST + r.pieces * PIECE_COST;
    printf("{\"bench\":\"pack\",\"level\":%d,\"memory\":%d,\"piece_kib\":%zu,\"flush_kib\":%zu,"
           "\"packed\":%zu,\"pieces\":%zu,\"wire\":%zu,\"wire_ms\":%.0f,\"cpu_ms\":%.0f}\n",
           level, memory, piece / 1024, flush / 1024, r.packed, r.pieces, wire,
           (double)wire * 1e4 / BAUD, r.cpu_ms);
}

/* One thing is changed at a time, from what service/firmware/pack.c does. */
int main(void)
{
    enum { LEVEL = 6, MEMORY = 7, PIECE = 131072 };
    uint8_t *image = factory_image();
    for (int level = 1; level <= 9; level++)
        show(image, level, MEMORY, PIECE, PIECE);
    for (int memory = 5; memory <= 9; memory++)
        show(image, LEVEL, memory, PIECE, PIECE);
    for (size_t piece = 32768; piece <= 524288; piece *= 2)
        show(image, LEVEL, MEMORY, piece, piece);
    for (size_t flush = BLOCK; flush <= PIECE; flush *= 2)
        show(image, LEVEL, MEMORY, PIECE, flush);
    free(image);
    return 0;
}
