/* A check goes through its stages in order: dns and tcp by our own sockets (the library's calls for
 * both block for minutes and do not tell them apart), then tls to echo by libmosquitto, told to
 * connect to the very address that answered.
 *
 * The library is driven through its interface for foreign event loops with our own poll(): its
 * mosquitto_loop() uses select(), which refuses descriptors from 1024 on (a daemon with event
 * streams has them), cannot be woken by a cancel, and goes on for ever after some failures of the
 * handshake, whose error it takes for "not yet". Here poll() shows those as POLLERR or POLLHUP.
 * Nothing reconnects: a policy that refuses us must be seen once, not in a storm.
 *
 * A stage may take STAGE_MS, and all of them together what the caller allows. */
#include "service/cloud/mqtt_check.h"

#include <errno.h>
#include <mosquitto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "service/base/digest.h"
#include "service/cloud/mqtt_tls.h"
#include "service/cloud/mqtt_words.h"
#include "service/cloud/resolve.h"
#include "service/cloud/tcp_probe.h"

enum {
    STAGE_MS = 10000,
    GOODBYE_MS = 500, /* for sending DISCONNECT */
    POLL_MS = 1000,   /* how often the library gets to send its PINGREQ */
    KEEPALIVE_S = 30,
    KEEPALIVE_MIN_S = 5, /* the library takes no less */
    NONCE_BYTES = 12,
    SUBACK_REFUSED = 0x80,
};

struct session {
    const struct mqtt_check_args *args;
    struct cancel *cancel;
    struct deadline until;
    struct mqtt_check_result *out;
    enum mqtt_stage stage;
    struct mqtt_tls tls;
    struct mosquitto *m;
    char payload[64];       /* of this check alone */
    char library_text[160]; /* what OpenSSL said through libmosquitto */
    int connack;            /* code; -1: none yet */
    int granted_qos;
    bool accepted, subscribed, published, echoed, gone;
    bool looked, alien; /* at the first byte of the answer: is it no MQTT? */
};

const char *mqtt_stage_name(enum mqtt_stage s)
{
    static const char *const names[MQTT_STAGE_COUNT] = {
        [MQTT_STAGE_DNS] = "dns",
        [MQTT_STAGE_TCP] = "tcp",
        [MQTT_STAGE_TLS] = "tls",
        [MQTT_STAGE_CONNECT] = "connect",
        [MQTT_STAGE_SUBSCRIBE] = "subscribe",
        [MQTT_STAGE_PUBLISH] = "publish",
        [MQTT_STAGE_ECHO] = "echo",
    };
    return (unsigned)s < MQTT_STAGE_COUNT ? names[s] : "?";
}

/* ---- what libmosquitto tells; all on the thread that drives it ---- */

static void on_connect(struct mosquitto *m, void *arg, int code)
{
    (void)m;
    struct session *s = arg;
    s->connack = code;
    s->accepted = code == 0;
}

static void on_subscribe(struct mosquitto *m, void *arg, int mid, int count, const int *granted)
{
    (void)m, (void)mid;
    struct session *s = arg;
    s->granted_qos = count > 0 ? granted[0] : SUBACK_REFUSED;
    s->subscribed = true;
}

static void on_publish(struct mosquitto *m, void *arg, int mid)
{
    (void)m, (void)mid;
    struct session *s = arg;
    s->published = true;
}

static void on_message(struct mosquitto *m, void *arg, const struct mosquitto_message *got)
{
    (void)m;
    struct session *s = arg;
    size_t n = strlen(s->payload);
    /* Others may publish to this topic too. */
    if ((size_t)got->payloadlen == n && memcmp(got->payload, s->payload, n) == 0) s->echoed = true;
}

static void on_log(struct mosquitto *m, void *arg, int level, const char *text)
{
    (void)m;
    struct session *s = arg;
    if (level != MOSQ_LOG_ERR || s->library_text[0] || !strstr(text, "OpenSSL Error")) return;
    const char *reason = strrchr(text, ':');
    snprintf(s->library_text, sizeof s->library_text, "%s", reason ? reason + 1 : text);
}

/* ---- why it ended ---- */

/* The library gave @p rc up. What was seen says more than its number, which depends on timing. */
static enum err explain_end(const struct session *s, int rc)
{
    if (rc == MOSQ_ERR_NOMEM) return err_set(ERR_MEM, "out of memory");
    if (s->connack > 0) return mqtt_words_connack(s->connack);
    if (s->args->tls) {
        enum err e = mqtt_tls_explain(&s->tls, s->library_text);
        if (e) return e;
    }
    bool malformed = rc == MOSQ_ERR_PROTOCOL || rc == MOSQ_ERR_MALFORMED_PACKET;
    return malformed ? mqtt_words_alien() : mqtt_words_drop(s->args, s->stage);
}

/* ---- the loop ---- */

static bool handshaking(const struct session *s)
{
    return s->args->tls && !s->tls.done;
}

/* The library takes other services' words for a packet whose rest never comes. */
static void look_at_first_byte(struct session *s, int fd, SSL *ssl)
{
    enum { CONNACK = 0x20 };
    unsigned char first;
    if (s->looked || handshaking(s)) return;
    /* What fails here fails once more under the library, which tells why. */
    ssize_t n = ssl ? SSL_peek(ssl, &first, 1) : recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    s->looked = n == 1;
    s->alien = s->looked && first != CONNACK;
}

/* Waits for the socket, the cancel or @p until, then lets the library work.
 * @return its result, or MOSQ_ERR_CONN_LOST for an end that it overlooks */
static int pump(struct session *s, struct deadline until)
{
    int fd = mosquitto_socket(s->m);
    if (fd < 0) return MOSQ_ERR_CONN_LOST;
    SSL *ssl = mosquitto_ssl_get(s->m);
    bool writes = handshaking(s) ? ssl && SSL_want_write(ssl) : mosquitto_want_write(s->m);
    struct pollfd p[2] = {{fd, (short)(POLLIN | (writes ? POLLOUT : 0)), 0},
                          {s->cancel ? s->cancel->fd : -1, POLLIN, 0}};
    struct deadline soon = deadline_within_ms(until, POLL_MS);
    int wait_ms = ssl && SSL_pending(ssl) > 0 ? 0 : deadline_left_ms(soon);
    if (poll(p, 2, wait_ms) < 0 && errno != EINTR) return MOSQ_ERR_ERRNO;
    if (p[1].revents) return MOSQ_ERR_SUCCESS;
    if (p[0].revents & POLLIN) look_at_first_byte(s, fd, ssl);
    bool was_handshaking = handshaking(s);
    bool broken = p[0].revents & (POLLERR | POLLHUP | POLLNVAL);
    int rc = MOSQ_ERR_SUCCESS;
    /* Its read function also carries the handshake on, whichever way that waits. */
    if (p[0].revents & POLLIN || broken || wait_ms == 0 || (was_handshaking && p[0].revents))
        rc = mosquitto_loop_read(s->m, 1);
    if (!rc && p[0].revents & POLLOUT && !was_handshaking) rc = mosquitto_loop_write(s->m, 1);
    if (!rc) rc = mosquitto_loop_misc(s->m);
    if (!rc && broken) rc = MOSQ_ERR_CONN_LOST;
    return rc;
}

/* Ends when @p done is true. */
static enum err wait_for(struct session *s, const bool *done)
{
    struct deadline stage = deadline_within_ms(s->until, STAGE_MS);
    while (!*done) {
        if (cancel_is_raised(s->cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (deadline_passed(stage)) return mqtt_words_timeout(s->args, s->stage);
        int rc = pump(s, stage);
        if (s->alien) return mqtt_words_alien();
        if (rc && !*done) {
            s->gone = true;
            return explain_end(s, rc);
        }
        if (s->connack > 0) return mqtt_words_connack(s->connack);
    }
    return ERR_OK;
}

/* ---- the stages ---- */

static enum err do_dns(struct session *s, struct resolve_result *found)
{
    struct deadline until = deadline_within_ms(s->until, STAGE_MS);
    enum err e = resolve_host(s->args->host, s->args->port, s->cancel, until, found);
    if (e != ERR_NETWORK) return e;
    struct err_info why = *err_last();
    return err_fail(ERR_NETWORK, "mqtt_dns_failed", why.hint, "%s", why.detail);
}

static enum err do_tcp(struct session *s, const struct resolve_result *found)
{
    const struct resolve_address *answered = NULL;
    enum err e = tcp_probe(found, s->args->host, s->cancel, deadline_within_ms(s->until, STAGE_MS),
                           &answered);
    if (!e) snprintf(s->out->address, sizeof s->out->address, "%s", answered->text);
    return e;
}

/* Hands the address over to the library, which begins the handshake and queues CONNECT. */
static enum err open_library(struct session *s)
{
    const struct mqtt_check_args *a = s->args;
    s->m = mosquitto_new(a->client_id, true, s);
    if (!s->m) return err_set(ERR_MEM, "libmosquitto: %s", strerror(errno));
    mosquitto_int_option(s->m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
    mosquitto_log_callback_set(s->m, on_log);
    mosquitto_connect_callback_set(s->m, on_connect);
    mosquitto_subscribe_callback_set(s->m, on_subscribe);
    mosquitto_publish_callback_set(s->m, on_publish);
    mosquitto_message_callback_set(s->m, on_message);
    int rc = MOSQ_ERR_SUCCESS;
    if (a->tls) {
        /* Not its defaults: with them it wants files and verifies wrongly. */
        rc = mosquitto_int_option(s->m, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
        if (!rc) rc = mosquitto_void_option(s->m, MOSQ_OPT_SSL_CTX, s->tls.ctx);
    }
    if (!rc && a->username && *a->username)
        rc = mosquitto_username_pw_set(s->m, a->username,
                                       a->password && *a->password ? a->password : NULL);
    if (rc) return err_set(ERR_INTERNAL, "libmosquitto: %s", mosquitto_strerror(rc));
    int keepalive_s = a->keepalive_s ? a->keepalive_s : KEEPALIVE_S;
    if (keepalive_s < KEEPALIVE_MIN_S) keepalive_s = KEEPALIVE_MIN_S;
    rc = mosquitto_connect_async(s->m, s->out->address, a->port, keepalive_s);
    if (rc) return explain_end(s, rc);
    return ERR_OK;
}

static enum err do_subscribe(struct session *s)
{
    int rc = mosquitto_subscribe(s->m, NULL, s->args->topic, s->args->qos);
    if (rc) return explain_end(s, rc);
    enum err e = wait_for(s, &s->subscribed);
    if (!e && s->granted_qos >= SUBACK_REFUSED)
        e = err_fail(ERR_NETWORK, "mqtt_subscribe_refused",
                     "The broker's access rules (AWS IoT: the policy's iot:Subscribe) do not allow "
                     "this topic.",
                     "the broker refused the subscription to %s", s->args->topic);
    return e;
}

static enum err do_publish(struct session *s)
{
    unsigned char nonce[NONCE_BYTES];
    char hex[2 * NONCE_BYTES + 1];
    if (RAND_bytes(nonce, sizeof nonce) != 1) return err_set(ERR_INTERNAL, "no random bytes");
    snprintf(s->payload, sizeof s->payload, "{\"espgate_check\":\"%s\"}",
             digest_hex(nonce, sizeof nonce, hex));
    int rc = mosquitto_publish(s->m, NULL, s->args->topic, (int)strlen(s->payload), s->payload,
                               s->args->qos, false);
    if (rc) return explain_end(s, rc);
    return wait_for(s, &s->published);
}

/* Ends the stage; @p at_ns is when it did. */
static void stage_over(struct session *s, int64_t *began_ns, int64_t at_ns)
{
    int64_t ms = (at_ns - *began_ns) / 1000000;
    s->out->stage_ms[s->stage] = ms > 0 ? (int)ms : 0;
    *began_ns = at_ns;
}

static enum err do_stage(struct session *s, struct resolve_result *found)
{
    enum err e = ERR_OK;
    switch (s->stage) {
    case MQTT_STAGE_DNS:
        return do_dns(s, found);
    case MQTT_STAGE_TCP:
        return do_tcp(s, found);
    case MQTT_STAGE_TLS:
        e = open_library(s);
        return e ? e : wait_for(s, &s->tls.done);
    case MQTT_STAGE_CONNECT:
        if (!s->m) e = open_library(s);
        return e ? e : wait_for(s, &s->accepted);
    case MQTT_STAGE_SUBSCRIBE:
        return do_subscribe(s);
    case MQTT_STAGE_PUBLISH:
        return do_publish(s);
    case MQTT_STAGE_ECHO:
        return wait_for(s, &s->echoed);
    case MQTT_STAGE_COUNT:
        break;
    }
    return err_set(ERR_INTERNAL, "no such stage");
}

static enum err run_stages(struct session *s)
{
    struct resolve_result found;
    int64_t began_ns = deadline_now_ns();
    for (unsigned i = 0; i <= (unsigned)s->args->until_stage; i++) {
        s->stage = (enum mqtt_stage)i;
        if (s->stage == MQTT_STAGE_TLS && !s->args->tls) continue;
        if (cancel_is_raised(s->cancel)) return err_set(ERR_CANCELLED, "cancelled");
        enum err e = do_stage(s, &found);
        if (e) return e;
        /* The handshake's own end, not the moment when it was noticed. */
        stage_over(s, &began_ns, s->stage == MQTT_STAGE_TLS ? s->tls.done_ns : deadline_now_ns());
    }
    return ERR_OK;
}

/* A broker that sees DISCONNECT does not take the check for a lost device. */
static void say_goodbye(struct session *s)
{
    if (!s->m || !s->accepted || s->gone || mosquitto_disconnect(s->m) != MOSQ_ERR_SUCCESS) return;
    struct deadline until = deadline_in_ms(GOODBYE_MS);
    while (!deadline_passed(until) && !cancel_is_raised(s->cancel) && mosquitto_want_write(s->m))
        if (pump(s, until)) break;
}

static enum err args_check(const struct mqtt_check_args *a)
{
    if (!a->host || !*a->host || strlen(a->host) > 253)
        return err_set(ERR_ARG, "the host has 1 to 253 characters");
    if (a->port < 1 || a->port > 65535) return err_set(ERR_ARG, "the port is 1 to 65535");
    if ((unsigned)a->until_stage >= MQTT_STAGE_COUNT) return err_set(ERR_ARG, "no such stage");
    if (!a->client_id || !*a->client_id || strlen(a->client_id) > 65535)
        return err_set(ERR_ARG, "the client id has 1 to 65535 bytes");
    if (a->qos != 0 && a->qos != 1) return err_set(ERR_ARG, "the QoS is 0 or 1");
    if (a->keepalive_s < 0 || a->keepalive_s > 65535)
        return err_set(ERR_ARG, "the keepalive is 0 to 65535 seconds");
    if (a->until_stage >= MQTT_STAGE_SUBSCRIBE &&
        (!a->topic || mosquitto_pub_topic_check(a->topic) != MOSQ_ERR_SUCCESS || !*a->topic))
        return err_set(ERR_ARG, "the topic is not one to publish to");
    if (a->tls && a->verify_server && !a->root_ca_pem)
        return err_set(ERR_ARG, "verifying the server needs a root CA");
    if (a->tls && a->client_certificate && (!a->certificate_pem || !a->key_pem))
        return err_set(ERR_ARG, "a client certificate needs a certificate and a key");
    return ERR_OK;
}

enum err mqtt_check_run(const struct mqtt_check_args *args, struct cancel *cancel,
                        struct deadline until, struct mqtt_check_result *out)
{
    *out = (struct mqtt_check_result){.alert = -1};
    for (int i = 0; i < MQTT_STAGE_COUNT; i++)
        out->stage_ms[i] = -1;
    enum err e = args_check(args);
    if (e) return e;
    struct session s = {.args = args, .cancel = cancel, .until = until, .out = out, .connack = -1};
    if (args->tls) e = mqtt_tls_init(&s.tls, args);
    if (e) return e;
    e = run_stages(&s);
    if (args->tls) mqtt_tls_report(&s.tls, out);
    say_goodbye(&s);
    if (s.m) mosquitto_destroy(s.m);
    mqtt_tls_dispose(&s.tls);
    return e;
}

enum err mqtt_check_global_init(void)
{
    /* A peer that goes away must be an error of the write, not the end of the process. */
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigaction(SIGPIPE, &ignore, NULL);
    }
    if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS) return err_set(ERR_INTERNAL, "libmosquitto");
    return ERR_OK;
}

void mqtt_check_global_end(void)
{
    resolve_end();
    mosquitto_lib_cleanup();
}
