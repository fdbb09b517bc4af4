/* receiver: a web server on loopback that answers POSTs as told, one connection at a time, and
 * keeps what it got. */
#ifndef TESTS_UNIT_HOOKS_RECEIVER_H
#define TESTS_UNIT_HOOKS_RECEIVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/base/thread.h"

enum {
    RECEIVER_CALLS = 64,
    RECEIVER_MUTE = 0, /* instead of a status: never answers */
    RECEIVER_CUT = -1, /* closes the connection */
    RECEIVER_LONG = -2 /* 200, and more than anybody wants to read */
};

struct receiver {
    const int *says; /* statuses, one a call; the last one again and again */
    size_t says_count;
    const char *more; /* header lines of each answer, with their line ends; NULL = none */
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    atomic_bool ending;
    struct receiver_call {
        char id[64], body[1024];
    } calls[RECEIVER_CALLS];
    size_t count;
};

/* A whole request. @return false when the other side is gone, or at the end of the test */
static inline bool receiver_read(struct receiver *r, int fd, struct receiver_call *out)
{
    char text[8192];
    size_t n = 0;
    while (!atomic_load(&r->ending) && n + 1 < sizeof text) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 20) <= 0) continue;
        ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0) return false;
        n += (size_t)got;
        text[n] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "\r\nContent-Length: ");
        const char *id = strcasestr(text, "\r\nwebhook-id: ");
        if (!end || !length || n < (size_t)(end + 4 - text) + strtoul(length + 18, NULL, 10))
            continue;
        snprintf(out->id, sizeof out->id, "%.*s", (int)strcspn(id + 14, "\r"), id + 14);
        snprintf(out->body, sizeof out->body, "%s", end + 4);
        return true;
    }
    return false;
}

static inline void receiver_hold(struct receiver *r, int fd)
{
    char byte;
    struct pollfd p = {fd, POLLIN, 0};
    while (!atomic_load(&r->ending)) /* until the other side has enough of it */
        if (poll(&p, 1, 20) > 0 && recv(fd, &byte, 1, 0) <= 0) return;
}

static inline void receiver_answer(struct receiver *r, int fd, int status)
{
    char text[256];
    if (status == RECEIVER_MUTE) receiver_hold(r, fd);
    if (status == RECEIVER_LONG) {
        static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
        static const char page[4096];
        ssize_t sent = send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
        while (sent > 0 && !atomic_load(&r->ending))
            sent = send(fd, page, sizeof page, MSG_NOSIGNAL);
    }
    if (status <= 0) return;
    snprintf(text, sizeof text,
             "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: 2\r\n%s\r\n.\n", status,
             r->more ? r->more : "");
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)sent;
}

static void *receiver_main(void *arg)
{
    struct receiver *r = arg;
    for (int fd; (fd = accept(r->fd, NULL, NULL)) >= 0; close(fd)) {
        struct receiver_call call;
        if (!receiver_read(r, fd, &call)) continue;
        pthread_mutex_lock(&r->lock);
        size_t n = r->count < r->says_count ? r->count : r->says_count - 1;
        assert(r->count < RECEIVER_CALLS);
        r->calls[r->count++] = call;
        pthread_cond_broadcast(&r->news);
        pthread_mutex_unlock(&r->lock);
        receiver_answer(r, fd, r->says[n]);
    }
    return NULL;
}

static inline void receiver_start(struct receiver *r, const int *says, size_t says_count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    memset(r, 0, sizeof *r);
    r->says = says;
    r->says_count = says_count;
    pthread_mutex_init(&r->lock, NULL);
    thread_cond_init(&r->news);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(bind(r->fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(r->fd, 16) == 0);
    assert(getsockname(r->fd, (struct sockaddr *)&at, &n) == 0);
    r->port = ntohs(at.sin_port);
    assert(thread_start(&r->thread, "receiver", receiver_main, r) == ERR_OK);
}

/* Wait until it was called @p n times. @return was it? */
static inline bool receiver_wait(struct receiver *r, size_t n)
{
    struct deadline until = deadline_in_ms(60000);
    pthread_mutex_lock(&r->lock);
    while (r->count < n && !deadline_passed(until))
        thread_wait_until(&r->news, &r->lock, until);
    bool enough = r->count >= n;
    pthread_mutex_unlock(&r->lock);
    return enough;
}

static inline size_t receiver_count(struct receiver *r)
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->count;
    pthread_mutex_unlock(&r->lock);
    return n;
}

static inline void receiver_stop(struct receiver *r)
{
    atomic_store(&r->ending, true);
    shutdown(r->fd, SHUT_RDWR);
    pthread_join(r->thread, NULL);
    close(r->fd);
    pthread_cond_destroy(&r->news);
    pthread_mutex_destroy(&r->lock);
}
#endif
