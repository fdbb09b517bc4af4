/* server: starts and stops libmicrohttpd.
 *
 * Why the pool of a connection is small: what a client sends passes through it, keys too
 * (exchange.c clears it), a thousand clients may hold one, and nearly 8 KiB of request headers are
 * more than an honest client has. */
#include "api/server.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/exchange.h"
#include "api/link.h"
#include "api/listener.h"
#include "api/stream_hub.h"
#include "api/tls.h"
#include "api/traffic.h"
#include "api/wait.h"
#include "service/base/json_in.h"
#include "service/base/limits.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/jobs/yield.h"

enum {
    THREADS = 2,
    WRITERS = 32, /* so many requests share one sync of the disk */
    CALLERS = 4,
    POOL_BYTES = 8 * 1024, /* of a connection; request headers must fit */
    /* a thread takes at most its half */
    CONNECTIONS = 2 * (LIMIT_WAITERS + LIMIT_EVENT_STREAMS + 280),
    OTHER_FILES = 256,    /* ports, database, epoll … */
    STOP_GRACE_MS = 1000, /* for answers that are on their way */
};

static const struct stream_limits stream_limits = {LIMIT_EVENT_STREAMS, LIMIT_ADDRESS_STREAMS,
                                                   (int64_t)LIMIT_HEARTBEAT_S * 1000};

struct server {
    struct MHD_Daemon *daemon;
    struct listener listener;
    bool listening;  /* the socket is ours: libmicrohttpd has not taken it over yet */
    struct tls *tls; /* NULL = none */
    struct links *links;
    struct stream_hub *streams;
    atomic_bool started;
    struct exchange_host host;
};

static void free_parts(struct exchange_host *host)
{
    lockout_free(host->auth.lockout);
    traffic_free(host->traffic);
    pool_free(host->writers);
    pool_free(host->slow);
    pool_free(host->callers);
    cancel_dispose(&host->stop);
    wait_list_free(host->waits);
}

enum err server_new(struct server **out)
{
    *out = NULL;
    json_in_wipe_freed();
    struct server *s = calloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "out of memory");
    enum err e = cancel_init(&s->host.stop);
    if (!e) e = wait_list_new(LIMIT_WAITERS, &s->host.waits);
    if (!e) e = pool_new("http-slow", 1, LIMIT_SLOW, &s->host.slow);
    if (!e) e = pool_new("http-write", WRITERS, LIMIT_WRITES, &s->host.writers);
    if (!e) e = pool_new("http-calls", CALLERS, LIMIT_CALLS, &s->host.callers);
    if (!e) e = traffic_new(&s->host.traffic);
    if (!e) e = lockout_new(&s->host.auth.lockout);
    if (!e) e = stream_hub_new(&stream_limits, &s->streams);
    if (e) {
        free_parts(&s->host);
        free(s);
        return e;
    }
    idempotency_init(&s->host.idempotency);
    pthread_mutex_init(&s->host.lock, NULL);
    thread_cond_init(&s->host.idle);
    *out = s;
    return ERR_OK;
}

void server_free(struct server *s)
{
    if (!s) return;
    if (s->listening) close(s->listener.fd);
    links_free(s->links);
    tls_free(s->tls);
    stream_hub_free(s->streams);
    free_parts(&s->host);
    idempotency_dispose(&s->host.idempotency);
    pthread_cond_destroy(&s->host.idle);
    pthread_mutex_destroy(&s->host.lock);
    free(s);
}

/* As many descriptors as the connections may need; where the system grants fewer, fewer
 * connections. */
static unsigned connection_limit(void)
{
    struct rlimit files;
    const rlim_t want = CONNECTIONS + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return CONNECTIONS;
    if (files.rlim_cur < want) {
        files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= want) return CONNECTIONS;
    return files.rlim_cur > (rlim_t)2 * OTHER_FILES ? (unsigned)(files.rlim_cur - OTHER_FILES)
                                                    : OTHER_FILES;
}

/* What MHD says about clients' broken connections is noise; what it says when it cannot start is
 * not. */
static void log_mhd(void *cls, const char *fmt, va_list ap)
{
    const struct server *s = cls;
    char text[256];
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\r\n")] = '\0';
    log_at(atomic_load(&s->started) ? LOG_DEBUG : LOG_ERROR, "http", "text=\"%s\"", text);
}

static enum err start_daemon(struct server *s, unsigned idle_s)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    unsigned most = connection_limit();
    s->daemon = MHD_start_daemon(
        s->tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, exchange_handle, &s->host,
        MHD_OPTION_EXTERNAL_LOGGER, log_mhd, s, MHD_OPTION_LISTEN_SOCKET, s->listener.fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_s, MHD_OPTION_CONNECTION_LIMIT, most, MHD_OPTION_PER_IP_CONNECTION_LIMIT, most / 4 * 3,
        MHD_OPTION_NOTIFY_CONNECTION, links_notify, s->links, MHD_OPTION_NOTIFY_COMPLETED,
        exchange_completed, &s->host, MHD_OPTION_UNESCAPE_CALLBACK, exchange_keep_escapes, NULL,
        MHD_OPTION_ARRAY, tls_options(s->tls), MHD_OPTION_END);
    if (s->daemon) return ERR_OK;
    return err_fail(ERR_IO, "listen_failed", NULL, "the HTTP server did not start on %s",
                    s->listener.name);
}

static enum err open_tls(struct server *s, const struct server_config *cfg)
{
    const struct tls_files files = {cfg->tls_cert, cfg->tls_key, cfg->client_ca};
    return s->tls || !cfg->tls_cert ? ERR_OK : tls_new(&files, &s->tls);
}

/* Over a network everybody could call a service that asks nobody who he is, and read the tokens and
 * keys that are sent without TLS. */
static enum err judge_listener(const struct server_config *cfg, const struct listener *l)
{
    if (l->loopback || cfg->insecure || (!cfg->open && cfg->tls_cert)) return ERR_OK;
    return err_fail(ERR_ARG, "unsafe_listener",
                    cfg->open
                        ? "Take --auth token, listen on loopback only, or take the risk with "
                          "--insecure."
                        : "Give it --tls-cert and --tls-key, listen on loopback behind a proxy "
                          "that has them, or take the risk with --insecure.",
                    "others than this machine reach %s, and %s", l->name,
                    cfg->open ? "--auth none asks nobody who he is"
                              : "tokens and keys would go there without TLS");
}

enum err server_listen(struct server *s, const struct server_config *cfg)
{
    enum err e = open_tls(s, cfg);
    if (!e)
        e = cfg->socket ? listener_adopt(cfg->socket, &s->listener)
                        : listener_open(cfg->address, cfg->port, &s->listener);
    if (e) return e;
    s->listening = true;
    return judge_listener(cfg, &s->listener);
}

enum err server_start(struct server *s, const struct server_config *cfg, const struct service *svc)
{
    unsigned idle_s = cfg->idle_s ? cfg->idle_s : 30;
    s->host.service = *svc;
    s->host.service.streams = s->streams;
    s->host.service.server = s;
    s->host.service.closing = &s->host.stop;
    s->host.auth.open = cfg->open;
    s->host.auth.tls = s->tls != NULL;
    s->host.auth.origins = cfg->origins;
    s->host.auth.origin_count = cfg->origin_count;
    s->host.auth.tokens = svc->tokens;
    s->host.max_body = cfg->max_body;
    s->host.body_s = cfg->body_s ? cfg->body_s : 60;
    enum err e = s->listening ? ERR_OK : server_listen(s, cfg);
    if (!e) e = stream_hub_serve(s->streams, svc->store, svc->tokens);
    if (!e && !s->links) e = links_new(2 * idle_s, &s->links);
    if (e) return e;
    links_set_tls(s->links, s->tls);
    s->listening = false;
    e = start_daemon(s, idle_s);
    if (!e) atomic_store(&s->started, true);
    return e;
}

void server_url(const struct server *s, char out[SERVER_URL])
{
    const char *scheme = s->listener.port == 0 ? "" : s->tls ? "https://" : "http://";
    snprintf(out, SERVER_URL, "%s%s", scheme, s->listener.name);
}

void server_look(struct server *s, struct server_load *out)
{
    out->connections = links_count(s->links);
    out->tls_expires_s = s->tls ? tls_expires_s(s->tls) : 0;
    out->active = atomic_load(&s->host.active);
    out->streams = stream_hub_count(s->streams);
}

struct traffic *server_traffic(struct server *s)
{
    return s->host.traffic;
}

enum err server_reload(struct server *s)
{
    return s->tls ? tls_reload(s->tls) : ERR_OK;
}

uint16_t server_port(const struct server *s)
{
    return s->listener.port;
}

void server_changed(const struct job_record *job, const struct event_record *event, void *arg)
{
    struct server *s = arg;
    stream_hub_publish(s->streams, event);
    if (!job || !job_state_is_final(job->state)) return;
    yield_count(job);
    wait_wake(s->host.waits, job->id);
}

/* Wait until the answers that are on their way have left, but not for long. */
static void let_finish(struct exchange_host *host)
{
    struct deadline until = deadline_in_ms(STOP_GRACE_MS);
    pthread_mutex_lock(&host->lock);
    while (atomic_load(&host->active) && !deadline_passed(until))
        thread_wait_until(&host->idle, &host->lock, until);
    pthread_mutex_unlock(&host->lock);
}

void server_stop(struct server *s)
{
    if (!s || !s->daemon) return;
    /* New requests are refused one by one: MHD_quiesce_daemon() of 0.9.75 races with MHD's own
     * threads for the listening socket, and aborts the process when it loses. */
    atomic_store(&s->host.closing, true);
    /* It also aborts when it is stopped with a suspended connection: all go on first. */
    wait_list_close(s->host.waits);
    stream_hub_close(s->streams);
    cancel_raise(&s->host.stop);
    pool_close(s->host.callers);
    pool_close(s->host.slow);
    pool_close(s->host.writers);
    let_finish(&s->host);
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
}
