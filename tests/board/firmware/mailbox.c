#include "tests/board/firmware/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t lock;
    struct mail *first, **last;
    int fd;
};

struct mailbox *mailbox_new(void)
{
    struct mailbox *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->last = &b->first;
    b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->fd < 0) {
        free(b);
        return NULL;
    }
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void mail_free(struct mail *m)
{
    if (!m) return;
    free(m->topic);
    free(m->data);
    free(m);
}

void mailbox_free(struct mailbox *b)
{
    if (!b) return;
    struct mail *m = b->first;
    while (m) {
        struct mail *next = m->next;
        mail_free(m);
        m = next;
    }
    close(b->fd);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

int mailbox_fd(const struct mailbox *b)
{
    return b->fd;
}

static struct mail *copy_of(const struct mail *m)
{
    struct mail *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    *c = *m;
    c->next = NULL;
    c->topic = m->topic ? strdup(m->topic) : NULL;
    c->data = m->data ? malloc(m->n + 1) : NULL;
    if ((m->topic && !c->topic) || (m->data && !c->data)) {
        mail_free(c);
        return NULL;
    }
    if (c->data) memcpy(c->data, m->data, m->n);
    return c;
}

bool mailbox_put(struct mailbox *b, const struct mail *m)
{
    struct mail *c = copy_of(m);
    if (!c) return false;
    uint64_t one = 1;
    pthread_mutex_lock(&b->lock);
    *b->last = c;
    b->last = &c->next;
    bool told = write(b->fd, &one, sizeof one) == (ssize_t)sizeof one;
    pthread_mutex_unlock(&b->lock);
    return told;
}

struct mail *mailbox_take(struct mailbox *b)
{
    uint64_t count;
    pthread_mutex_lock(&b->lock);
    struct mail *m = b->first;
    if (m) b->first = m->next;
    if (!b->first) {
        b->last = &b->first;
        if (read(b->fd, &count, sizeof count) < 0) count = 0; /* it was not signalled: all right */
    }
    pthread_mutex_unlock(&b->lock);
    if (m) m->next = NULL;
    return m;
}
