#include "service/base/wipe.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void wipe_free(void *p)
{
    if (p) explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

void *wipe_realloc(void *p, size_t n)
{
    size_t had = p ? malloc_usable_size(p) : 0;
    if (n == 0) {
        wipe_free(p);
        return NULL;
    }
    if (p && n <= had && n > had / 2) return p;
    void *moved = malloc(n);
    if (!moved) return NULL;
    if (p) memcpy(moved, p, had < n ? had : n);
    wipe_free(p);
    return moved;
}

static void *openssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(n);
}

static void *openssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return wipe_realloc(p, n);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    wipe_free(p);
}

void wipe_openssl(void)
{
    (void)CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free);
}
