/* factory_image: 4 MiB as a factory would flash them: a bootloader, a table, small partitions of
 * text, an application of real machine code and its data, and erased flash to the end. The code is
 * that of the shared libraries of this process: 1.7 MB of it, in the proportions of an application.
 */
#ifndef TESTS_BENCH_FACTORY_IMAGE_H
#define TESTS_BENCH_FACTORY_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FACTORY_BYTES = 4 * 1024 * 1024,
    FACTORY_BOOTLOADER = 0x1000,
    FACTORY_TABLE = 0x8000,
    FACTORY_TEXTS = 0x20000,
    FACTORY_APP = 0x100000,
    FACTORY_APP_CODE = 1250 * 1000,
    FACTORY_APP_DATA = 450 * 1000,
};

/* Copy mappings of libraries with these permissions, from the @p skip-th byte of them on. */
static inline void factory_copy_mapped(const char *permissions, size_t skip, uint8_t *out, size_t n)
{
    char line[512], perms[8], path[256];
    unsigned long from, to;
    FILE *f = fopen("/proc/self/maps", "re");
    while (f && n && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &from, &to, perms, path) != 4) continue;
        if (strncmp(perms, permissions, 3) != 0 || !strstr(path, ".so")) continue;
        const uint8_t *bytes = (const uint8_t *)from; // NOLINT(performance-no-int-to-ptr)
        size_t size = to - from, passed = skip < size ? skip : size;
        size_t take = size - passed < n ? size - passed : n;
        memcpy(out, bytes + passed, take);
        skip -= passed;
        out += take;
        n -= take;
    }
    if (f) fclose(f);
    if (n) {
        fprintf(stderr, "the libraries of this process are too small: %zu bytes lack\n", n);
        exit(1);
    }
}

/* A certificate's text, as hard to compress as one. */
static inline void factory_text(uint8_t *out, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        out[i] = i % 65 == 64 ? '\n' : (uint8_t)digits[x >> 26];
    }
}

static inline uint8_t *factory_image(void)
{
    uint8_t *image = malloc(FACTORY_BYTES);
    if (!image) abort();
    memset(image, 0xff, FACTORY_BYTES);
    factory_copy_mapped("r-x", FACTORY_APP_CODE, image + FACTORY_BOOTLOADER, 24 * 1024);
    factory_text(image + FACTORY_TABLE, 20 * 32);
    for (uint32_t i = 0; i < 12; i++)
        factory_text(image + FACTORY_TEXTS + i * 0x2000, 1200 + i * 60);
    factory_copy_mapped("r--", 0, image + FACTORY_APP, FACTORY_APP_DATA);
    factory_copy_mapped("r-x", 0, image + FACTORY_APP + FACTORY_APP_DATA, FACTORY_APP_CODE);
    return image;
}
#endif
