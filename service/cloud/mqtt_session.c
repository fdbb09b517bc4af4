/* A session goes through its stages in order: dns and tcp by our own sockets (the library's calls
 * for both block for minutes and do not tell them apart), then tls to publish by libmosquitto, told
 * to connect to the very address that answered.
 *
 * The library is driven through its interface for foreign event loops with our own poll(): its
 * mosquitto_loop() uses select(), which refuses descriptors from 1024 on (a daemon with event
 * streams has them), cannot be woken by a cancel, and goes on for ever after some failures of the
 * handshake, whose error it takes for "not yet". Here poll() shows those as POLLERR or POLLHUP.
 * Nothing reconnects: a policy that refuses us must be seen once, not in a storm. */
#include "service/cloud/mqtt_session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "service/cloud/mqtt_words.h"
#include "service/cloud/resolve.h"
#include "service/cloud/tcp_probe.h"

enum {
    GOODBYE_MS = 500, /* for sending DISCONNECT */
    POLL_MS = 1000,   /* how often the library gets to send its PINGREQ */
    KEEPALIVE_S = 30,
    KEEPALIVE_MIN_S = 5, /* the library takes no less */
    SUBACK_REFUSED = 0x80,
};

/* ---- what libmosquitto tells; all on the thread that drives it ---- */

static void on_connect(struct mosquitto *m, void *arg, int code)
{
    (void)m;
    struct mqtt_session *s = arg;
    s->connack = code;
    s->accepted = code == 0;
}

static void on_subscribe(struct mosquitto *m, void *arg, int mid, int count, const int *granted)
{
    (void)m, (void)mid;
    struct mqtt_session *s = arg;
    s->granted_qos = count > 0 ? granted[0] : SUBACK_REFUSED;
    s->subscribed = true;
}

static void on_publish(struct mosquitto *m, void *arg, int mid)
{
    (void)m, (void)mid;
    struct mqtt_session *s = arg;
    s->published = true;
}

static void on_message(struct mosquitto *m, void *arg, const struct mosquitto_message *got)
{
    (void)m;
    struct mqtt_session *s = arg;
    if (s->on_message) s->on_message(s->arg, got->topic, got->payload, (size_t)got->payloadlen);
}

static void on_log(struct mosquitto *m, void *arg, int level, const char *text)
{
    (void)m;
    struct mqtt_session *s = arg;
    if (level != MOSQ_LOG_ERR || s->library_text[0] || !strstr(text, "OpenSSL Error")) return;
    const char *reason = strrchr(text, ':');
    snprintf(s->library_text, sizeof s->library_text, "%s", reason ? reason + 1 : text);
}

/* ---- why it ended ---- */

/* The library gave @p rc up. What was seen says more than its number, which depends on timing. */
static enum err explain_end(const struct mqtt_session *s, int rc)
{
    if (rc == MOSQ_ERR_NOMEM) return err_set(ERR_MEM, "out of memory");
    if (s->connack > 0) return mqtt_words_connack(s->connack);
    if (s->args.tls) {
        enum err e = mqtt_tls_explain(&s->tls, s->library_text);
        if (e) return e;
    }
    bool malformed = rc == MOSQ_ERR_PROTOCOL || rc == MOSQ_ERR_MALFORMED_PACKET;
    return malformed ? mqtt_words_alien() : mqtt_words_drop(&s->args, s->stage);
}

/* ---- the loop ---- */

static bool handshaking(const struct mqtt_session *s)
{
    return s->args.tls && !s->tls.done;
}

/* The library takes other services' words for a packet whose rest never comes. */
static void look_at_first_byte(struct mqtt_session *s, int fd, SSL *ssl)
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
static int pump(struct mqtt_session *s, struct deadline until)
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
static enum err wait_for(struct mqtt_session *s, const bool *done, int64_t limit_ms)
{
    struct deadline stage = deadline_within_ms(s->until, limit_ms);
    while (!*done) {
        if (cancel_is_raised(s->cancel)) return err_set(ERR_CANCELLED, "cancelled");
        if (deadline_passed(stage)) return mqtt_words_timeout(&s->args, s->stage);
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

static enum err do_dns(struct mqtt_session *s, struct resolve_result *found)
{
    struct deadline until = deadline_within_ms(s->until, MQTT_STAGE_MS);
    enum err e = resolve_host(s->args.host, s->args.port, s->cancel, until, found);
    if (e != ERR_NETWORK) return e;
    struct err_info why = *err_last();
    return err_fail(ERR_NETWORK, "mqtt_dns_failed", why.hint, "%s", why.detail);
}

static enum err do_tcp(struct mqtt_session *s, const struct resolve_result *found)
{
    const struct resolve_address *answered = NULL;
    enum err e = tcp_probe(found, s->args.host, s->cancel,
                           deadline_within_ms(s->until, MQTT_STAGE_MS), &answered);
    if (!e) snprintf(s->seen.address, sizeof s->seen.address, "%s", answered->text);
    return e;
}

/* Hands the address over to the library, which begins the handshake and queues CONNECT. */
static enum err open_library(struct mqtt_session *s)
{
    const struct mqtt_check_args *a = &s->args;
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
    rc = mosquitto_connect_async(s->m, s->seen.address, a->port, keepalive_s);
    if (rc) return explain_end(s, rc);
    return ERR_OK;
}

static enum err begin_stage(struct mqtt_session *s, enum mqtt_stage stage)
{
    s->stage = stage;
    return cancel_is_raised(s->cancel) ? err_set(ERR_CANCELLED, "cancelled") : ERR_OK;
}

/* @p at_ns is when it did. */
static void end_stage(struct mqtt_session *s, int64_t at_ns)
{
    int64_t ms = (at_ns - s->began_ns) / 1000000;
    s->seen.stage_ms[s->stage] = ms > 0 ? (int)ms : 0;
    s->began_ns = at_ns;
}

static enum err do_stage(struct mqtt_session *s, struct resolve_result *found)
{
    if (s->stage == MQTT_STAGE_DNS) return do_dns(s, found);
    if (s->stage == MQTT_STAGE_TCP) return do_tcp(s, found);
    enum err e = s->m ? ERR_OK : open_library(s);
    if (e) return e;
    return wait_for(s, s->stage == MQTT_STAGE_TLS ? &s->tls.done : &s->accepted, MQTT_STAGE_MS);
}

enum err mqtt_session_connect(struct mqtt_session *s, enum mqtt_stage last)
{
    struct resolve_result found;
    s->began_ns = deadline_now_ns();
    for (unsigned i = 0; i <= (unsigned)last && i <= MQTT_STAGE_CONNECT; i++) {
        if (i == MQTT_STAGE_TLS && !s->args.tls) continue;
        enum err e = begin_stage(s, (enum mqtt_stage)i);
        if (!e) e = do_stage(s, &found);
        if (e) return e;
        /* The handshake's own end, not the moment when it was noticed. */
        end_stage(s, i == MQTT_STAGE_TLS ? s->tls.done_ns : deadline_now_ns());
    }
    return ERR_OK;
}

enum err mqtt_session_subscribe(struct mqtt_session *s, const char *filter)
{
    enum err e = begin_stage(s, MQTT_STAGE_SUBSCRIBE);
    if (e) return e;
    s->subscribed = false;
    int rc = mosquitto_subscribe(s->m, NULL, filter, s->args.qos);
    if (rc) return explain_end(s, rc);
    e = wait_for(s, &s->subscribed, MQTT_STAGE_MS);
    if (!e && s->granted_qos >= SUBACK_REFUSED)
        e = err_fail(ERR_NETWORK, "mqtt_subscribe_refused",
                     "The broker's access rules (AWS IoT: the policy's iot:Subscribe) do not allow "
                     "this topic.",
                     "the broker refused the subscription to %s", filter);
    if (!e) end_stage(s, deadline_now_ns());
    return e;
}

enum err mqtt_session_publish(struct mqtt_session *s, const char *text)
{
    enum err e = begin_stage(s, MQTT_STAGE_PUBLISH);
    if (e) return e;
    s->published = false;
    int rc =
        mosquitto_publish(s->m, NULL, s->args.topic, (int)strlen(text), text, s->args.qos, false);
    if (rc) return explain_end(s, rc);
    e = wait_for(s, &s->published, MQTT_STAGE_MS);
    if (!e) end_stage(s, deadline_now_ns());
    return e;
}

enum err mqtt_session_wait(struct mqtt_session *s, const bool *done, int64_t limit_ms)
{
    enum err e = begin_stage(s, MQTT_STAGE_ECHO);
    if (!e) e = wait_for(s, done, limit_ms);
    if (!e) end_stage(s, deadline_now_ns());
    return e;
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

enum err mqtt_session_open(struct mqtt_session *s)
{
    s->seen = (struct mqtt_check_result){.alert = -1};
    for (int i = 0; i < MQTT_STAGE_COUNT; i++)
        s->seen.stage_ms[i] = -1;
    s->connack = -1;
    enum err e = args_check(&s->args);
    return !e && s->args.tls ? mqtt_tls_init(&s->tls, &s->args) : e;
}

void mqtt_session_report(struct mqtt_session *s)
{
    if (s->tls.ctx) mqtt_tls_report(&s->tls, &s->seen);
}

/* A broker that sees DISCONNECT does not take the check for a lost device. */
static void say_goodbye(struct mqtt_session *s)
{
    if (!s->m || !s->accepted || s->gone || mosquitto_disconnect(s->m) != MOSQ_ERR_SUCCESS) return;
    struct deadline until = deadline_in_ms(GOODBYE_MS);
    while (!deadline_passed(until) && !cancel_is_raised(s->cancel) && mosquitto_want_write(s->m))
        if (pump(s, until)) break;
}

void mqtt_session_close(struct mqtt_session *s)
{
    say_goodbye(s);
    if (s->m) mosquitto_destroy(s->m);
    mqtt_tls_dispose(&s->tls);
}
