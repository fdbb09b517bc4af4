/* A control plane that answers as the test tells it: HTTPS on a loopback port of its own, each
 * connection on a thread of its own and kept alive. It counts connections and keeps requests. */
#ifndef TESTS_UNIT_CLOUD_FIXTURE_CONTROL_H
#define TESTS_UNIT_CLOUD_FIXTURE_CONTROL_H

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "service/base/thread.h"
#include "tests/unit/cloud/fixture_pki.h"

enum { CONTROL_REQUESTS = 512, CONTROL_LINKS = 64, CONTROL_TEXT = 16 * 1024, CONTROL_BODY = 4096 };

struct control_request {
    char line[512], head[CONTROL_TEXT], body[CONTROL_BODY];
    size_t number, on_link; /* 0… of all, and of its connection */
};

struct control_say {
    int status;       /* 0 = nothing at all */
    const char *more; /* header lines, with their ends; NULL = none */
    const char *body; /* NULL = none */
    long clock_off_s; /* of its Date */
    bool cut;         /* close after half of the body, or at once without one */
    bool mute;        /* never answers */
    size_t fill;      /* so many bytes instead of the body */
};

struct control;
typedef void (*control_fn)(struct control *c, const struct control_request *r,
                           struct control_say *out);

struct control {
    control_fn answer;
    SSL_CTX *ctx; /* NULL = plain HTTP */
    int fd, port;
    char url[64];
    atomic_bool ending;
    pthread_t thread, threads[CONTROL_LINKS];
    pthread_mutex_t lock;
    pthread_cond_t news;
    atomic_size_t links;
    size_t requests;
    char lines[CONTROL_REQUESTS][512];
    char last_head[CONTROL_TEXT], last_body[CONTROL_BODY];
};

struct control_link {
    struct control *control;
    int fd;
    SSL *ssl;
};

/* @return bytes; 0 = the other side is gone, or the end of the test */
static inline size_t control_read(struct control_link *l, char *out, size_t cap)
{
    while (!atomic_load(&l->control->ending)) {
        struct pollfd p = {l->fd, POLLIN, 0};
        bool waits = l->ssl && SSL_pending(l->ssl) > 0;
        if (!waits && poll(&p, 1, 20) <= 0) continue;
        ssize_t n = l->ssl ? SSL_read(l->ssl, out, (int)cap) : recv(l->fd, out, cap, 0);
        return n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static inline void control_write(struct control_link *l, const char *text, size_t n)
{
    if (!n) return;
    if (l->ssl)
        (void)SSL_write(l->ssl, text, (int)n);
    else
        (void)!send(l->fd, text, n, MSG_NOSIGNAL);
}

/* The value of a header in a head; "" = none. */
static inline const char *control_header(const char *head, const char *name, char *out, size_t cap)
{
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(head, line);
    if (at) at += strlen(line);
    snprintf(out, cap, "%.*s", at ? (int)strcspn(at, "\r") : 0, at ? at : "");
    return out;
}

static inline bool control_take(struct control_link *l, struct control_request *r)
{
    char text[CONTROL_TEXT + CONTROL_BODY], length[32];
    for (size_t n = 0; n < sizeof text - 1;) {
        size_t got = control_read(l, text + n, sizeof text - 1 - n);
        if (!got) return false;
        n += got;
        text[n] = '\0';
        char *end = strstr(text, "\r\n\r\n");
        if (!end) continue;
        size_t head = (size_t)(end - text) + 2;
        snprintf(r->head, sizeof r->head, "%.*s", (int)head, text);
        control_header(r->head, "Content-Length", length, sizeof length);
        if (n < head + 2 + strtoul(length, NULL, 10)) continue;
        snprintf(r->line, sizeof r->line, "%.*s", (int)strcspn(text, "\r"), text);
        snprintf(r->body, sizeof r->body, "%s", end + 4);
        return true;
    }
    return false;
}

static inline void control_keep(struct control *c, struct control_request *r)
{
    pthread_mutex_lock(&c->lock);
    r->number = c->requests;
    if (c->requests < CONTROL_REQUESTS)
        snprintf(c->lines[c->requests], sizeof c->lines[0], "%s", r->line);
    snprintf(c->last_head, sizeof c->last_head, "%s", r->head);
    snprintf(c->last_body, sizeof c->last_body, "%s", r->body);
    c->requests++;
    pthread_cond_broadcast(&c->news);
    pthread_mutex_unlock(&c->lock);
}

/* @return may the connection stay? */
static inline bool control_say(struct control_link *l, const struct control_say *s)
{
    char head[2048], date[64];
    struct tm tm;
    time_t now = time(NULL) + s->clock_off_s;
    const char *body = s->body ? s->body : "";
    size_t n = s->fill ? s->fill : strlen(body);
    for (char byte; s->mute;)
        if (!control_read(l, &byte, 1)) return false;
    if (!s->status) return false;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    int len =
        snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nDate: %s\r\nContent-Length: %zu\r\n%s\r\n",
                 s->status, date, n, s->more ? s->more : "");
    control_write(l, head, (size_t)len);
    if (s->fill) {
        char *much = calloc(1, s->fill);
        control_write(l, much, s->fill);
        free(much);
        return true;
    }
    control_write(l, body, s->cut ? n / 2 : n);
    return !s->cut;
}

static inline void *control_serve(void *arg)
{
    struct control_link l = *(struct control_link *)arg;
    static _Thread_local struct control_request r;
    free(arg);
    if (l.control->ctx) {
        l.ssl = SSL_new(l.control->ctx);
        SSL_set_fd(l.ssl, l.fd);
    }
    if (!l.ssl || SSL_accept(l.ssl) == 1) {
        bool open = true;
        for (r.on_link = 0; open && control_take(&l, &r); r.on_link++) {
            struct control_say s = {.status = 200};
            control_keep(l.control, &r);
            l.control->answer(l.control, &r, &s);
            open = control_say(&l, &s);
        }
    }
    SSL_free(l.ssl);
    close(l.fd);
    return NULL;
}

static inline void *control_run(void *arg)
{
    struct control *c = arg;
    for (int fd; (fd = accept(c->fd, NULL, NULL)) >= 0;) {
        struct control_link *l = malloc(sizeof *l);
        assert(l && c->links < CONTROL_LINKS);
        *l = (struct control_link){.control = c, .fd = fd};
        assert(thread_start(&c->threads[c->links], "control", control_serve, l) == ERR_OK);
        c->links++;
    }
    return NULL;
}

/* @param id  NULL = plain HTTP */
static inline void control_start(struct control *c, const struct identity *id, control_fn answer)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    memset(c, 0, sizeof *c);
    c->answer = answer;
    pthread_mutex_init(&c->lock, NULL);
    thread_cond_init(&c->news);
    if (id) {
        c->ctx = SSL_CTX_new(TLS_server_method());
        assert(c->ctx && SSL_CTX_use_certificate(c->ctx, id->cert) == 1);
        assert(SSL_CTX_use_PrivateKey(c->ctx, id->key) == 1);
    }
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(bind(c->fd, (struct sockaddr *)&a, n) == 0 && listen(c->fd, 64) == 0);
    assert(getsockname(c->fd, (struct sockaddr *)&a, &n) == 0);
    c->port = ntohs(a.sin_port);
    snprintf(c->url, sizeof c->url, "%s://localhost:%d", id ? "https" : "http", c->port);
    assert(thread_start(&c->thread, "control", control_run, c) == ERR_OK);
}

static inline size_t control_requests(struct control *c)
{
    pthread_mutex_lock(&c->lock);
    size_t n = c->requests;
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* Wait until it had @p n requests. */
static inline bool control_wait(struct control *c, size_t n)
{
    struct deadline until = deadline_in_ms(60000);
    pthread_mutex_lock(&c->lock);
    while (c->requests < n && !deadline_passed(until))
        thread_wait_until(&c->news, &c->lock, until);
    bool enough = c->requests >= n;
    pthread_mutex_unlock(&c->lock);
    return enough;
}

static inline void control_stop(struct control *c)
{
    atomic_store(&c->ending, true);
    shutdown(c->fd, SHUT_RDWR);
    pthread_join(c->thread, NULL);
    for (size_t i = 0; i < c->links; i++)
        pthread_join(c->threads[i], NULL);
    close(c->fd);
    SSL_CTX_free(c->ctx);
    pthread_cond_destroy(&c->news);
    pthread_mutex_destroy(&c->lock);
}
#endif
