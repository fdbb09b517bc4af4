/* The thread runs attempt after attempt: TLS context, name and TCP under one deadline of 10 s (a
 * plain mosquitto_connect would block for minutes on an address that does not answer, so the way is
 * tried first with a socket of its own), CONNACK, then the session until it ends. Every wait also
 * waits for the mailbox, so the loop can end the thread wherever it is. */
#include "tests/board/firmware/mqtt_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/board/firmware/resolve.h"
#include "tests/board/firmware/time.h"
#include "tests/board/loop.h"

#define MS_NS UINT64_C(1000000)
/* The firmware's own times: until an attempt is given up, between two attempts. */
enum { ANSWER_MS = 10000, RETRY_MS = 10000 };
/* How long a link without network takes to say so; the longest wait inside libmosquitto's loop. */
enum { NO_NETWORK_MS = 20, TICK_MS = 500, GOODBYE_MS = 500, LEAST_KEEPALIVE_S = 5 };

struct mqtt_link {
    struct loop *loop;
    struct mqtt_settings settings;
    struct mqtt_target target;
    mqtt_link_fn fn;
    void *arg;
    struct mailbox *events, *requests;
    pthread_t thread;
    /* The thread's own from here on. */
    struct mosquitto *client;
    bool network, stop, clean_stop;
    bool answered, accepted, ended; /* CONNACK came; it was good; the session is over */
    int awaited;                    /* message id whose acknowledgement is to be told; 0: none */
};

static uint64_t after_ms(uint64_t ms)
{
    return loop_now_ns() + ms * MS_NS;
}

static int left_ms(uint64_t end)
{
    uint64_t now = loop_now_ns();
    return now >= end ? 0 : (int)((end - now) / MS_NS) + 1;
}

static void tell(struct mqtt_link *k, enum link_event kind)
{
    struct mail m = {.kind = (int)kind};
    mailbox_put(k->events, &m);
}

static void on_connect(struct mosquitto *client, void *arg, int code)
{
    (void)client;
    struct mqtt_link *k = arg;
    k->answered = true;
    k->accepted = code == 0;
}

static void on_disconnect(struct mosquitto *client, void *arg, int code)
{
    (void)client;
    (void)code;
    ((struct mqtt_link *)arg)->ended = true;
}

static void on_message(struct mosquitto *client, void *arg, const struct mosquitto_message *m)
{
    (void)client;
    struct mqtt_link *k = arg;
    struct mail mail = {.kind = LINK_MESSAGE,
                        .qos = m->qos,
                        .topic = m->topic,
                        .data = m->payloadlen ? m->payload : NULL,
                        .n = (size_t)m->payloadlen};
    mailbox_put(k->events, &mail);
}

static void acknowledged(struct mqtt_link *k, int id)
{
    if (id != k->awaited) return;
    k->awaited = 0;
    tell(k, LINK_ACKNOWLEDGED);
}

static void on_publish(struct mosquitto *client, void *arg, int id)
{
    (void)client;
    acknowledged(arg, id);
}

/* A refused subscription (0x80) is an answer like any other: the firmware says OK to it. */
static void on_subscribe(struct mosquitto *client, void *arg, int id, int count, const int *granted)
{
    (void)client;
    (void)count;
    (void)granted;
    acknowledged(arg, id);
}

static void on_unsubscribe(struct mosquitto *client, void *arg, int id)
{
    (void)client;
    acknowledged(arg, id);
}

static void carry_out(struct mqtt_link *k, const struct mail *m)
{
    int rc = MOSQ_ERR_NO_CONN, id = 0;
    if (!k->client || !k->accepted) {
        tell(k, LINK_REFUSED);
        return;
    }
    if (m->kind == LINK_PUBLISH) {
        /* QoS 0 is through with the call itself. */
        rc = mosquitto_publish(k->client, &id, m->topic, (int)m->n, m->data, m->qos, m->retain);
        if (rc == MOSQ_ERR_SUCCESS && m->qos == 0) {
            tell(k, LINK_ACKNOWLEDGED);
            return;
        }
    } else if (m->kind == LINK_UNSUBSCRIBE) {
        rc = mosquitto_unsubscribe(k->client, &id, m->topic);
    } else {
        rc = mosquitto_subscribe(k->client, &id, m->topic, m->qos);
    }
    if (m->kind == LINK_RESTORE) return;
    k->awaited = rc == MOSQ_ERR_SUCCESS ? id : 0;
    if (rc != MOSQ_ERR_SUCCESS) tell(k, LINK_REFUSED);
}

static void read_requests(struct mqtt_link *k)
{
    for (struct mail *m; !k->stop && (m = mailbox_take(k->requests)) != NULL; mail_free(m)) {
        switch ((enum link_request)m->kind) {
        case LINK_NETWORK:
            k->network = m->qos != 0;
            break;
        case LINK_CLEAN:
        case LINK_STOP:
            k->stop = true;
            k->clean_stop = m->kind == LINK_CLEAN;
            break;
        case LINK_PUBLISH:
        case LINK_SUBSCRIBE:
        case LINK_RESTORE:
        case LINK_UNSUBSCRIBE:
            carry_out(k, m);
            break;
        }
    }
}

/* Wait on the mailbox only. @return false when the thread has to end */
static bool pause_until(struct mqtt_link *k, uint64_t end)
{
    while (!k->stop && loop_now_ns() < end) {
        struct pollfd p = {.fd = mailbox_fd(k->requests), .events = POLLIN};
        poll(&p, 1, left_ms(end));
        read_requests(k);
    }
    return !k->stop;
}

/* Wait until TCP is up. The library takes a refused connection under TLS for one that is still
 * being made, and its first try to write has used up the socket's error: whether there is a peer
 * tells. */
static bool tcp_is_up(struct mqtt_link *k, uint64_t end)
{
    int fd = mosquitto_socket(k->client);
    while (fd >= 0 && !k->stop && loop_now_ns() < end) {
        struct pollfd p[] = {{.fd = fd, .events = POLLOUT},
                             {.fd = mailbox_fd(k->requests), .events = POLLIN}};
        poll(p, 2, left_ms(end));
        read_requests(k);
        struct sockaddr_in peer;
        socklen_t size = sizeof peer;
        if (p[0].revents) return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
    }
    return false;
}

/* One turn of libmosquitto's loop. While TLS is being agreed on, the library always wants to write;
 * asking OpenSSL what it waits for keeps this from spinning. */
static bool turn(struct mqtt_link *k, int wait_ms)
{
    int fd = mosquitto_socket(k->client);
    if (fd < 0 || k->ended) return false;
    SSL *ssl = mosquitto_ssl_get(k->client);
    bool silent = ssl && !SSL_is_init_finished(ssl) && SSL_want_read(ssl);
    short events = POLLIN;
    if (mosquitto_want_write(k->client) && !silent) events |= POLLOUT;
    struct pollfd p[] = {{.fd = fd, .events = events},
                         {.fd = mailbox_fd(k->requests), .events = POLLIN}};
    poll(p, 2, wait_ms < TICK_MS ? wait_ms : TICK_MS);
    int rc = MOSQ_ERR_SUCCESS;
    if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) rc = mosquitto_loop_read(k->client, 1);
    if (rc == MOSQ_ERR_SUCCESS && (p[0].revents & POLLOUT)) rc = mosquitto_loop_write(k->client, 1);
    if (rc == MOSQ_ERR_SUCCESS) rc = mosquitto_loop_misc(k->client);
    if (rc != MOSQ_ERR_SUCCESS) return false;
    read_requests(k);
    return !k->stop && k->network && !k->ended;
}

static SSL_CTX *context_of(const struct mqtt_link *k)
{
    struct tls_config config = {.ca = k->target.ca,
                                .certificate = k->target.certificate,
                                .key = k->target.key,
                                .no_ec_key = k->target.no_ec_key,
                                .sni = *k->settings.sni ? k->settings.sni : NULL,
                                .alpn_count = k->settings.alpn_count,
                                .alpn = k->settings.alpn,
                                .now_s = time_now_s()};
    return tls_context(&config);
}

static bool use_tls(struct mqtt_link *k)
{
    SSL_CTX *ctx = context_of(k);
    if (!ctx) return false;
    /* Off by name: the library takes its own TLS set-up for wanted otherwise, and then refuses. */
    bool good =
        mosquitto_int_option(k->client, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
        mosquitto_void_option(k->client, MOSQ_OPT_SSL_CTX, ctx) == MOSQ_ERR_SUCCESS;
    SSL_CTX_free(ctx);
    return good;
}

static bool set_up(struct mqtt_link *k)
{
    const struct mqtt_settings *s = &k->settings;
    k->answered = k->accepted = k->ended = false;
    k->awaited = 0;
    k->client = mosquitto_new(*s->client_id ? s->client_id : NULL, s->clean, k);
    if (!k->client) return false;
    mosquitto_connect_callback_set(k->client, on_connect);
    mosquitto_disconnect_callback_set(k->client, on_disconnect);
    mosquitto_message_callback_set(k->client, on_message);
    mosquitto_publish_callback_set(k->client, on_publish);
    mosquitto_subscribe_callback_set(k->client, on_subscribe);
    mosquitto_unsubscribe_callback_set(k->client, on_unsubscribe);
    bool good = true;
    if (*s->user || *s->password)
        good = mosquitto_username_pw_set(k->client, s->user, s->password) == MOSQ_ERR_SUCCESS;
    if (good && *s->will_topic)
        good = mosquitto_will_set(k->client, s->will_topic, (int)strlen(s->will_text), s->will_text,
                                  s->will_qos, s->will_retain) == MOSQ_ERR_SUCCESS;
    return good && (s->scheme == 1 || use_tls(k));
}

static bool connects(struct mqtt_link *k)
{
    struct in_addr to;
    char address[INET_ADDRSTRLEN];
    if (!pause_until(k, after_ms(k->network ? k->target.slow_ms : NO_NETWORK_MS))) return false;
    uint64_t end = after_ms(ANSWER_MS);
    if (!k->network || !set_up(k) || !resolve_ipv4(k->target.host, &to)) return false;
    int keepalive = k->settings.keepalive_s;
    if (keepalive < LEAST_KEEPALIVE_S) keepalive = LEAST_KEEPALIVE_S;
    inet_ntop(AF_INET, &to, address, sizeof address);
    if (mosquitto_connect_async(k->client, address, k->target.port, keepalive) > MOSQ_ERR_SUCCESS)
        return false;
    if (!tcp_is_up(k, end)) return false;
    while (!k->answered && loop_now_ns() < end)
        if (!turn(k, left_ms(end))) break;
    return k->accepted && !k->stop;
}

static void say_goodbye(struct mqtt_link *k)
{
    k->stop = false; /* for the last turns only */
    uint64_t end = after_ms(GOODBYE_MS);
    if (mosquitto_disconnect(k->client) == MOSQ_ERR_SUCCESS)
        while (loop_now_ns() < end && turn(k, left_ms(end)))
            continue;
    k->stop = true;
}

/* @return true when there was a session, now over */
static bool attempt(struct mqtt_link *k)
{
    bool up = connects(k);
    if (up) {
        tell(k, LINK_CONNECTED);
        while (turn(k, TICK_MS))
            continue;
        if (k->stop && k->clean_stop && !k->ended) say_goodbye(k);
    }
    k->accepted = false;
    mosquitto_destroy(k->client);
    k->client = NULL;
    return up;
}

static void *run(void *arg)
{
    struct mqtt_link *k = arg;
    bool first = true;
    while (!k->stop) {
        bool was_up = attempt(k);
        if (k->stop) break;
        /* When the network went, the firmware has said so itself, in its own order. */
        if (first && !was_up)
            tell(k, LINK_FAILED);
        else if (k->network || !was_up)
            tell(k, LINK_LOST);
        if (!k->target.reconnect || (first && !was_up)) break;
        first = false;
        pause_until(k, after_ms(RETRY_MS));
    }
    return NULL;
}

static void on_events(int fd, uint32_t events, void *arg)
{
    (void)fd;
    (void)events;
    struct mqtt_link *k = arg;
    struct mail *m = mailbox_take(k->events);
    if (m) k->fn(m, k->arg);
    mail_free(m);
}

static void release(struct mqtt_link *k)
{
    mailbox_free(k->events);
    mailbox_free(k->requests);
    free(k->target.ca);
    free(k->target.certificate);
    free(k->target.key);
    free(k);
}

struct mqtt_link *mqtt_link_start(struct loop *l, const struct mqtt_settings *settings,
                                  const struct mqtt_target *target, mqtt_link_fn fn, void *arg)
{
    struct mqtt_link *k = calloc(1, sizeof *k);
    if (!k) {
        free(target->ca);
        free(target->certificate);
        free(target->key);
        return NULL;
    }
    k->loop = l;
    k->settings = *settings;
    k->target = *target;
    k->network = target->network;
    k->fn = fn;
    k->arg = arg;
    k->events = mailbox_new();
    k->requests = mailbox_new();
    if (k->events && k->requests &&
        loop_add_fd(l, mailbox_fd(k->events), EPOLLIN, on_events, k) == 0) {
        if (pthread_create(&k->thread, NULL, run, k) == 0) return k;
        loop_remove_fd(l, mailbox_fd(k->events));
    }
    release(k);
    return NULL;
}

void mqtt_link_ask(struct mqtt_link *k, const struct mail *request)
{
    mailbox_put(k->requests, request);
}

void mqtt_link_stop(struct mqtt_link *k, bool clean)
{
    if (!k) return;
    struct mail m = {.kind = clean ? LINK_CLEAN : LINK_STOP};
    mailbox_put(k->requests, &m);
    pthread_join(k->thread, NULL);
    loop_remove_fd(k->loop, mailbox_fd(k->events));
    release(k);
}
