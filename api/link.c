#include "api/link.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "service/base/deadline.h"
#include "service/base/log.h"
#include "service/base/thread.h"

struct links {
    struct sleeper thread; /* its lock guards the list */
    struct link *first;
    size_t count;
    struct tls *tls;
    int64_t patience_ms;
};

struct link {
    struct link *next, *prev; /* under the lock */
    int fd;
    _Atomic int64_t owing_since_ns; /* 0: a request is being served */
    struct tls_credentials *credentials;
    bool known;
    struct peer peer;
};

/* Cut off those who have been owing a request for too long: MHD sees the end and closes them. It
 * has not closed them yet, as they leave the list before. Under the lock. */
static void cut_late(const struct links *l)
{
    int64_t latest = deadline_now_ns() - l->patience_ms * 1000000;
    for (struct link *k = l->first; k; k = k->next) {
        int64_t since = atomic_load(&k->owing_since_ns);
        if (since == 0 || since > latest) continue;
        log_info("connection cut", "address=%s why=\"no whole request in time\"", k->peer.address);
        shutdown(k->fd, SHUT_RDWR);
        atomic_store(&k->owing_since_ns, 0);
    }
}

/* Looks from time to time rather than at each one's own time: so that a request costs no lock. */
static void *links_main(void *arg)
{
    struct links *l = arg;
    pthread_mutex_lock(&l->thread.lock);
    while (!l->thread.ending) {
        sleeper_wait(&l->thread, l->first ? deadline_in_ms(l->patience_ms / 4) : deadline_never());
        cut_late(l);
    }
    pthread_mutex_unlock(&l->thread.lock);
    return NULL;
}

enum err links_new(unsigned patience_s, struct links **out)
{
    *out = NULL;
    struct links *l = calloc(1, sizeof *l);
    if (!l) return err_set(ERR_MEM, "out of memory");
    l->patience_ms = (int64_t)patience_s * 1000;
    enum err e = sleeper_start(&l->thread, "http-links", links_main, l);
    if (e)
        free(l);
    else
        *out = l;
    return e;
}

void links_free(struct links *l)
{
    if (!l) return;
    sleeper_end(&l->thread);
    free(l);
}

void links_set_tls(struct links *l, struct tls *tls)
{
    l->tls = tls;
}

/* A socket that was handed over may take both kinds: an IPv4 client then comes in an IPv6 address,
 * which would make all of them one to who counts by address. */
static const struct sockaddr *unmapped(const struct sockaddr *at, struct sockaddr_in *room)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)at;
    if (!at || at->sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return at;
    *room = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = v6->sin6_port};
    memcpy(&room->sin_addr, &v6->sin6_addr.s6_addr[12], sizeof room->sin_addr);
    return (const struct sockaddr *)room;
}

static void read_address(const struct sockaddr *at, char *out, size_t cap)
{
    struct sockaddr_in room;
    socklen_t n = 0;
    at = unmapped(at, &room);
    if (at && at->sa_family == AF_INET) n = sizeof(struct sockaddr_in);
    if (at && at->sa_family == AF_INET6) n = sizeof(struct sockaddr_in6);
    if (!n || getnameinfo(at, n, out, (socklen_t)cap, NULL, 0, NI_NUMERICHOST) != 0)
        snprintf(out, cap, "local");
}

static void *session_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return i ? i->tls_session : NULL;
}

static struct link *open_link(struct links *l, struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *at =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct link *k = calloc(1, sizeof *k);
    if (!k || !fd) {
        free(k);
        return NULL;
    }
    k->fd = fd->connect_fd;
    read_address(at ? at->client_addr : NULL, k->peer.address, sizeof k->peer.address);
    atomic_init(&k->owing_since_ns, deadline_now_ns());
    if (l->tls) k->credentials = tls_use(l->tls, session_of(conn));
    pthread_mutex_lock(&l->thread.lock);
    k->next = l->first;
    if (k->next) k->next->prev = k;
    l->first = k;
    l->count++;
    if (!k->next) pthread_cond_signal(&l->thread.wake);
    pthread_mutex_unlock(&l->thread.lock);
    return k;
}

static void close_link(struct links *l, struct link *k)
{
    pthread_mutex_lock(&l->thread.lock);
    if (k->prev)
        k->prev->next = k->next;
    else
        l->first = k->next;
    if (k->next) k->next->prev = k->prev;
    l->count--;
    pthread_mutex_unlock(&l->thread.lock);
    if (l->tls) tls_release(l->tls, k->credentials);
    free(k);
}

void links_notify(void *cls, struct MHD_Connection *conn, void **context,
                  enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *context = open_link(cls, conn);
    else if (*context)
        close_link(cls, *context);
}

size_t links_count(struct links *l)
{
    pthread_mutex_lock(&l->thread.lock);
    size_t n = l->count;
    pthread_mutex_unlock(&l->thread.lock);
    return n;
}

struct link *link_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i ? i->socket_context : NULL;
}

void link_begin(struct link *k)
{
    atomic_store_explicit(&k->owing_since_ns, 0, memory_order_relaxed);
}

void link_end(struct link *k, int64_t now_ns)
{
    atomic_store_explicit(&k->owing_since_ns, now_ns, memory_order_relaxed);
}

enum err link_peer(struct link *k, struct MHD_Connection *conn, const struct peer **out)
{
    *out = &k->peer;
    if (k->known || !k->credentials) return ERR_OK;
    enum err e = tls_check_peer(k->credentials, session_of(conn), &k->peer);
    k->known = e == ERR_OK;
    return e;
}
