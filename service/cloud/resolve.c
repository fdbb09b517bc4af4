/* getaddrinfo() can block for as long as its name servers are silent and nothing can interrupt it.
 * So each look-up of a name runs in a thread of its own, and the caller waits for it, its deadline
 * or its cancel, whichever comes first. A look-up that its caller gave up on is kept in one list:
 * the next call joins those that have ended since, resolve_end() the rest. The thread tells its
 * resolver to give up soon after the caller's deadline, so the list stays short. */
#include "service/cloud/resolve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "service/base/thread.h"

enum { HOST_MAX = 256, PORT_TEXT = 8, RETRIES = 2, END_WAIT_MS = 3000, LATE_MAX = 8 };

struct lookup {
    struct lookup *next; /* in the list of the late ones */
    pthread_t thread;
    char host[HOST_MAX], port[PORT_TEXT];
    int left_s; /* how long the resolver should try */
    int done_fd;
    int rc, saved_errno;
    struct addrinfo *found;
};

static pthread_mutex_t late_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lookup *late;
static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;

static const char hint[] =
    "Check the host for a typing error, and that this machine's DNS works (try it with getent).";

static void lookup_free(struct lookup *l)
{
    if (!l) return;
    if (l->found) freeaddrinfo(l->found);
    if (l->done_fd >= 0) close(l->done_fd);
    free(l);
}

/* Whoever waits for the answer has gone by then: a silent resolver must end too. The state is one
 * per thread, so this changes nobody else's; the lock is for what lies under it. */
static void limit_resolver(int left_s)
{
    pthread_mutex_lock(&resolver_lock);
    if (res_init() == 0) {
        int servers = _res.nscount > 0 ? _res.nscount : 1;
        int each_s = left_s / (RETRIES * servers);
        _res.retry = RETRIES;
        _res.retrans = each_s > 1 ? each_s : 1;
    }
    pthread_mutex_unlock(&resolver_lock);
}

static void *lookup_run(void *arg)
{
    struct lookup *l = arg;
    limit_resolver(l->left_s);
    const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    l->rc = getaddrinfo(l->host, l->port, &want, &l->found);
    l->saved_errno = errno;
    pthread_mutex_lock(&resolver_lock);
    res_nclose(&_res);
    pthread_mutex_unlock(&resolver_lock);
    uint64_t one = 1;
    ssize_t n = write(l->done_fd, &one, sizeof one);
    (void)n; /* an eventfd takes its first 1 always */
    return NULL;
}

/* Joins what has ended until @p end. @return how many go on */
static size_t reap_late(struct deadline end)
{
    size_t left = 0;
    struct lookup *all, *keep = NULL;
    pthread_mutex_lock(&late_lock);
    all = late;
    late = NULL;
    pthread_mutex_unlock(&late_lock);
    while (all) {
        struct lookup *l = all;
        all = l->next;
        struct pollfd p = {l->done_fd, POLLIN, 0};
        if (poll(&p, 1, deadline_left_ms(end)) == 1) {
            pthread_join(l->thread, NULL);
            lookup_free(l);
        } else {
            l->next = keep;
            keep = l;
            left++;
        }
    }
    pthread_mutex_lock(&late_lock);
    while (keep) {
        struct lookup *l = keep;
        keep = l->next;
        l->next = late;
        late = l;
    }
    pthread_mutex_unlock(&late_lock);
    return left;
}

static enum err lookup_new(const char *host, int port, struct deadline until,
                           struct lookup **lookup_out)
{
    *lookup_out = NULL;
    struct lookup *l = calloc(1, sizeof *l);
    if (!l) return err_set(ERR_MEM, "out of memory");
    snprintf(l->host, sizeof l->host, "%s", host);
    snprintf(l->port, sizeof l->port, "%d", port);
    l->left_s = deadline_left_ms(until) / 1000;
    l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->done_fd < 0) {
        int error = errno;
        lookup_free(l);
        return err_set(ERR_IO, "eventfd: %s", strerror(error));
    }
    enum err e = thread_start(&l->thread, "resolve", lookup_run, l);
    if (e) {
        lookup_free(l);
        return e;
    }
    *lookup_out = l;
    return ERR_OK;
}

static void give_up(struct lookup *l)
{
    pthread_mutex_lock(&late_lock);
    l->next = late;
    late = l;
    pthread_mutex_unlock(&late_lock);
}

/* Takes @p l: freed, or put into the list of the late ones. */
static enum err lookup_wait(struct lookup *l, struct cancel *cancel, struct deadline until,
                            struct addrinfo **found_out)
{
    struct pollfd p[2] = {{l->done_fd, POLLIN, 0}, {cancel ? cancel->fd : -1, POLLIN, 0}};
    while (!p[0].revents && !cancel_is_raised(cancel) && !deadline_passed(until))
        if (poll(p, 2, deadline_left_ms(until)) < 0) p[0].revents = p[1].revents = 0;
    if (!p[0].revents) {
        enum err e = cancel_is_raised(cancel)
                         ? err_set(ERR_CANCELLED, "cancelled while looking up %s", l->host)
                         : err_fail(ERR_NETWORK, "dns_failed", hint,
                                    "the name servers did not answer for %s in time", l->host);
        give_up(l);
        return e;
    }
    pthread_join(l->thread, NULL);
    enum err e = ERR_OK;
    if (l->rc)
        e = err_fail(ERR_NETWORK, "dns_failed", hint, "no address for %s: %s", l->host,
                     l->rc == EAI_SYSTEM ? strerror(l->saved_errno) : gai_strerror(l->rc));
    *found_out = l->found;
    l->found = NULL;
    lookup_free(l);
    return e;
}

static void collect(const struct addrinfo *found, struct resolve_result *out)
{
    for (; found && out->count < RESOLVE_MAX; found = found->ai_next) {
        struct resolve_address *a = &out->items[out->count];
        if (found->ai_addrlen > sizeof a->sa) continue;
        if (getnameinfo(found->ai_addr, found->ai_addrlen, a->text, sizeof a->text, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        memcpy(&a->sa, found->ai_addr, found->ai_addrlen);
        a->len = found->ai_addrlen;
        out->count++;
    }
}

enum err resolve_host(const char *host, int port, struct cancel *cancel, struct deadline until,
                      struct resolve_result *out)
{
    memset(out, 0, sizeof *out);
    if (!*host || strlen(host) >= HOST_MAX)
        return err_fail(ERR_NETWORK, "dns_failed", hint, "the host is empty or too long");
    char service[PORT_TEXT];
    snprintf(service, sizeof service, "%d", port);
    const struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    enum err e = ERR_OK;
    if (getaddrinfo(host, service, &numeric, &found) != 0) {
        found = NULL;
        struct lookup *l = NULL;
        if (reap_late(deadline_in_ms(0)) >= LATE_MAX)
            return err_fail(ERR_NETWORK, "dns_failed", hint,
                            "%d earlier look-ups still wait for the name servers", LATE_MAX);
        e = lookup_new(host, port, until, &l);
        if (l) e = lookup_wait(l, cancel, until, &found);
    }
    if (!e) collect(found, out);
    if (found) freeaddrinfo(found);
    if (!e && out->count == 0)
        e = err_fail(ERR_NETWORK, "dns_failed", hint, "no usable address for %s", host);
    return e;
}

void resolve_end(void)
{
    reap_late(deadline_in_ms(END_WAIT_MS));
}
