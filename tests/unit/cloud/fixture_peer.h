/* A broker that misbehaves as told, on a loopback port of its own: what mosquitto cannot be made to
 * do, and what AWS IoT does (it closes where others answer "no"). One thread, one connection at a
 * time, because a check first knocks at the port. */
#ifndef TESTS_UNIT_CLOUD_FIXTURE_PEER_H
#define TESTS_UNIT_CLOUD_FIXTURE_PEER_H

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/cloud/fixture_pki.h"

enum { PEER_TEXT = 128, PEER_PACKET = 16384, PEER_ANSWERS = 3 };
enum { PACKET_CONNECT = 1, PACKET_PUBLISH = 3, PACKET_SUBSCRIBE = 8, PACKET_DISCONNECT = 14 };

struct peer_script {
    const struct identity *tls;    /* NULL: plain TCP */
    const struct identity *also;   /* shown where its kind of key is wanted; NULL: none */
    const struct identity *middle; /* who issued them, when that is not a root */
    const struct identity *client_ca;
    int late_ms; /* accepts nobody for so long after the first came, and one may wait: the second's
                    SYN is dropped, and comes again after a second */
    bool vanishes; /* instead of accepting */
    bool tls13_only;
    bool mute;        /* reads for ever, says nothing */
    bool reset;       /* after the first bytes: RST */
    const char *says; /* this after the first bytes, then closes */
    size_t says_bytes;
    int close_at, mute_at;   /* packet type that is not answered */
    int connack;             /* code */
    int suback;              /* code */
    bool message_of_another; /* before the SUBACK and before the echo */
    bool echo_first;         /* before PUBACK */
    bool no_echo;
    bool close_after_puback, drop_second; /* PUBLISH */
    struct {                              /* to each PUBLISH, on its topic and this behind it */
        const char *suffix, *text;
        size_t bytes; /* 0: the length of the text */
    } answers[PEER_ANSWERS];
};

struct peer {
    struct peer_script script;
    SSL_CTX *ctx;
    int fd, port;
    pthread_t thread;
    /* what it saw; read after peer_stop() */
    int connects, disconnects;
    atomic_int asked; /* PUBLISH packets; read at any time */
    char client_id[PEER_TEXT], user[PEER_TEXT], password[PEER_TEXT], server_name[PEER_TEXT];
    char alpn[PEER_TEXT], topic[PEER_TEXT], message[PEER_PACKET]; /* the last that came */
};

struct peer_link {
    struct peer *peer;
    int fd;
    SSL *ssl;
};

static inline bool peer_read(struct peer_link *l, void *out, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t k = l->ssl ? SSL_read(l->ssl, (char *)out + got, (int)(n - got))
                           : recv(l->fd, (char *)out + got, n - got, 0);
        if (k <= 0) return false;
        got += (size_t)k;
    }
    return true;
}

static inline void peer_write(struct peer_link *l, const void *bytes, size_t n)
{
    if (l->ssl)
        SSL_write(l->ssl, bytes, (int)n);
    else
        (void)!send(l->fd, bytes, n, MSG_NOSIGNAL);
}

/* QoS 0, as a broker sends it to a subscriber of QoS 0. */
static inline void peer_message(struct peer_link *l, const char *topic, const void *text, size_t n)
{
    uint8_t head[8] = {0x30};
    size_t t = strlen(topic), at = 1;
    for (size_t left = 2 + t + n; left || at == 1; left >>= 7)
        head[at++] = (uint8_t)(left & 0x7f) | (left > 0x7f ? 0x80 : 0);
    head[at++] = 0;
    head[at++] = (uint8_t)t;
    peer_write(l, head, at);
    peer_write(l, topic, t);
    if (n > 0) peer_write(l, text, n);
}

static inline const uint8_t *peer_string(const uint8_t *p, char out[PEER_TEXT])
{
    size_t n = (size_t)p[0] << 8 | p[1];
    assert(n < PEER_TEXT);
    memcpy(out, p + 2, n);
    out[n] = '\0';
    return p + 2 + n;
}

static inline void peer_saw_connect(struct peer *peer, const uint8_t *body)
{
    peer->connects++;
    const uint8_t *p = peer_string(body + 10, peer->client_id);
    if (body[7] & 0x80) p = peer_string(p, peer->user);
    if (body[7] & 0x40) peer_string(p, peer->password);
}

static inline void peer_answer_question(struct peer_link *l)
{
    struct peer *p = l->peer;
    int i = p->asked - 1;
    char topic[2 * PEER_TEXT];
    assert(i < PEER_ANSWERS);
    const char *text = p->script.answers[i].text;
    if (!text) return;
    snprintf(topic, sizeof topic, "%s%s", p->topic, p->script.answers[i].suffix);
    size_t n = p->script.answers[i].bytes;
    peer_message(l, topic, text, n ? n : strlen(text));
}

static inline void peer_answer_publish(struct peer_link *l, int flags, const uint8_t *body,
                                       size_t n)
{
    const struct peer_script *s = &l->peer->script;
    struct peer *peer = l->peer;
    const char *topic = peer->topic;
    const uint8_t *p = peer_string(body, peer->topic);
    const uint8_t ack[4] = {0x40, 2, p[0], p[1]};
    bool qos1 = flags & 6;
    if (qos1) p += 2;
    size_t len = n - (size_t)(p - body);
    memcpy(peer->message, p, len);
    peer->message[len] = '\0';
    if (s->answers[0].text) {
        if (!s->echo_first) peer_write(l, ack, 4);
        peer_answer_question(l);
        if (s->echo_first) peer_write(l, ack, 4);
        return;
    }
    if (s->message_of_another) {
        uint8_t other[128];
        assert(len > 3 && len <= sizeof other);
        memcpy(other, p, len);
        other[len - 3] ^= 1; /* as long, and all but one character the same */
        peer_message(l, topic, other, len);
    }
    if (!s->no_echo && s->echo_first) peer_message(l, topic, p, len);
    if (qos1) peer_write(l, ack, 4);
    if (!s->no_echo && !s->echo_first) peer_message(l, topic, p, len);
}

/* @return false to close */
static inline bool peer_answer(struct peer_link *l, uint8_t head, const uint8_t *body, size_t n)
{
    const struct peer_script *s = &l->peer->script;
    int type = head >> 4;
    if (type == PACKET_CONNECT) peer_saw_connect(l->peer, body);
    if (type == PACKET_PUBLISH && ++l->peer->asked == 2 && s->drop_second) return false;
    if (type == s->close_at) return false;
    if (type == s->mute_at) return true;
    if (type == PACKET_CONNECT) {
        const uint8_t ack[4] = {0x20, 2, 0, (uint8_t)s->connack};
        peer_write(l, ack, 4);
        return s->connack == 0;
    }
    if (type == PACKET_SUBSCRIBE) {
        const uint8_t ack[5] = {0x90, 3, body[0], body[1], (uint8_t)s->suback};
        if (s->message_of_another) peer_message(l, "t", "retained", 8);
        peer_write(l, ack, 5);
    }
    if (type == PACKET_PUBLISH) peer_answer_publish(l, head & 15, body, n);
    if (type == PACKET_DISCONNECT) l->peer->disconnects++;
    return type != PACKET_DISCONNECT && !(type == PACKET_PUBLISH && s->close_after_puback);
}

static inline bool peer_read_length(struct peer_link *l, size_t *out)
{
    uint8_t byte = 0x80;
    *out = 0;
    for (int shift = 0; byte & 0x80; shift += 7) {
        if (shift > 21 || !peer_read(l, &byte, 1)) return false;
        *out |= (size_t)(byte & 0x7f) << shift;
    }
    return *out < PEER_PACKET;
}

static inline void peer_serve(struct peer_link *l)
{
    const struct peer_script *s = &l->peer->script;
    uint8_t head, body[PEER_PACKET];
    size_t len;
    while (s->mute && recv(l->fd, body, sizeof body, 0) > 0)
        continue;
    if (s->mute) return;
    if (s->says || s->reset) {
        if (recv(l->fd, body, 1, 0) != 1) return;
        if (s->says) (void)!send(l->fd, s->says, s->says_bytes, MSG_NOSIGNAL);
        const struct linger now = {1, 0};
        if (s->reset) setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return;
    }
    if (l->ssl && SSL_accept(l->ssl) != 1) return;
    if (l->ssl) {
        const char *name = SSL_get_servername(l->ssl, TLSEXT_NAMETYPE_host_name);
        snprintf(l->peer->server_name, sizeof l->peer->server_name, "%s", name ? name : "");
    }
    while (peer_read(l, &head, 1) && peer_read_length(l, &len)) {
        memset(body, 0, sizeof body);
        if (!peer_read(l, body, len) || !peer_answer(l, head, body, len)) return;
    }
}

static inline void *peer_run(void *arg)
{
    struct peer *p = arg;
    /* from the first client on: how long it takes to come is not ours to say */
    struct pollfd knock = {.fd = p->fd, .events = POLLIN};
    if (p->script.late_ms && poll(&knock, 1, -1) == 1) poll(NULL, 0, p->script.late_ms);
    if (p->script.vanishes) {
        close(p->fd);
        return NULL;
    }
    for (;;) {
        struct peer_link l = {.peer = p, .fd = accept(p->fd, NULL, NULL)};
        if (l.fd < 0) return NULL;
        if (p->ctx) {
            l.ssl = SSL_new(p->ctx);
            SSL_set_fd(l.ssl, l.fd);
        }
        peer_serve(&l);
        SSL_free(l.ssl); /* without close_notify, as AWS IoT goes */
        close(l.fd);
    }
}

static inline int peer_pick_alpn(SSL *ssl, const unsigned char **out, unsigned char *len,
                                 const unsigned char *in, unsigned n, void *arg)
{
    (void)ssl;
    struct peer *p = arg;
    snprintf(p->alpn, sizeof p->alpn, "%.*s", n > 1 ? (int)in[0] : 0, (const char *)in + 1);
    *out = in + 1;
    *len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static inline void peer_secure(struct peer *p)
{
    const struct peer_script *s = &p->script;
    p->ctx = SSL_CTX_new(TLS_server_method());
    assert(p->ctx && SSL_CTX_use_certificate(p->ctx, s->tls->cert) == 1);
    assert(SSL_CTX_use_PrivateKey(p->ctx, s->tls->key) == 1);
    if (s->also)
        assert(SSL_CTX_use_certificate(p->ctx, s->also->cert) == 1 &&
               SSL_CTX_use_PrivateKey(p->ctx, s->also->key) == 1);
    if (s->middle) X509_STORE_add_cert(SSL_CTX_get_cert_store(p->ctx), s->middle->cert);
    if (s->tls13_only) SSL_CTX_set_min_proto_version(p->ctx, TLS1_3_VERSION);
    if (s->client_ca) {
        SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(p->ctx), s->client_ca->cert);
    }
    SSL_CTX_set_alpn_select_cb(p->ctx, peer_pick_alpn, p);
}

static inline void peer_start(struct peer *p, const struct peer_script *script)
{
    memset(p, 0, sizeof *p);
    p->script = *script;
    if (script->tls) peer_secure(p);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(p->fd >= 0 && bind(p->fd, (struct sockaddr *)&a, n) == 0 &&
           listen(p->fd, script->late_ms ? 0 : 8) == 0);
    assert(getsockname(p->fd, (struct sockaddr *)&a, &n) == 0);
    p->port = ntohs(a.sin_port);
    assert(pthread_create(&p->thread, NULL, peer_run, p) == 0);
}

static inline void peer_stop(struct peer *p)
{
    bool ours = !p->script.vanishes; /* else its thread closes the socket */
    if (ours) shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    if (ours) close(p->fd);
    SSL_CTX_free(p->ctx);
}
#endif
