/* Design: every secret has memory pages of its own. mlock and munlock work on whole pages, so two
 * secrets on one page would lose the lock of both with the first release. The pages come from the
 * heap and not from mmap, so that the leak checkers see a secret that is never released. Where the
 * limit on locked memory is reached a secret still works: it may then be swapped, but it is wiped
 * all the same.
 * Locking and unlocking a page costs more than all else that is done to make an image, so a few
 * wiped pages are kept locked for the next secret; nearly all secrets fit into one. */
#include "service/pki/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SPARE_MAX = 32 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *spare[SPARE_MAX]; /* single pages: wiped, locked */
static size_t spare_count;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t n)
{
    size_t page = page_size();
    return (n + page - 1) / page * page;
}

static void *spare_take(void)
{
    pthread_mutex_lock(&lock);
    void *p = spare_count ? spare[--spare_count] : NULL;
    pthread_mutex_unlock(&lock);
    return p;
}

static int spare_put(void *p)
{
    pthread_mutex_lock(&lock);
    int kept = spare_count < SPARE_MAX;
    if (kept) spare[spare_count++] = p;
    pthread_mutex_unlock(&lock);
    return kept;
}

enum err secret_copy(const void *data, size_t n, struct secret *out)
{
    *out = (struct secret){0};
    size_t bytes = whole_pages(n + 1);
    void *p = bytes == page_size() ? spare_take() : NULL;
    if (!p) {
        if (posix_memalign(&p, page_size(), bytes))
            return err_set(ERR_MEM, "out of memory for a secret of %zu bytes", n);
        (void)mlock(p, bytes);
    }
    if (n) memcpy(p, data, n);
    out->data = p;
    out->data[n] = '\0';
    out->len = n;
    return ERR_OK;
}

void secret_dispose(struct secret *s)
{
    if (!s || !s->data) return;
    size_t bytes = whole_pages(s->len + 1);
    explicit_bzero(s->data, s->len + 1);
    if (bytes != page_size() || !spare_put(s->data)) {
        (void)munlock(s->data, bytes);
        free(s->data);
    }
    *s = (struct secret){0};
}
