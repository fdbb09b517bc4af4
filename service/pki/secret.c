/* Design: every secret has memory pages of its own. mlock and munlock work on whole pages, so two
 * secrets on one page would lose the lock of both with the first release. The pages come from the
 * heap and not from mmap, so that the leak checkers see a secret that is never released. Where the
 * limit on locked memory is reached a secret still works: it may then be swapped, but it is wiped
 * all the same. */
#include "service/pki/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

enum err secret_copy(const void *data, size_t n, struct secret *out)
{
    *out = (struct secret){0};
    void *p = NULL;
    size_t pages = whole_pages(n + 1);
    if (posix_memalign(&p, (size_t)sysconf(_SC_PAGESIZE), pages))
        return err_set(ERR_MEM, "out of memory for a secret of %zu bytes", n);
    (void)mlock(p, pages);
    if (n) memcpy(p, data, n);
    out->data = p;
    out->data[n] = '\0';
    out->len = n;
    return ERR_OK;
}

void secret_dispose(struct secret *s)
{
    if (!s || !s->data) return;
    explicit_bzero(s->data, s->len + 1);
    (void)munlock(s->data, whole_pages(s->len + 1));
    free(s->data);
    *s = (struct secret){0};
}
