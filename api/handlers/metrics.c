/* metrics: what a monitoring system collects. Names and labels are part of the contract; no label
 * has a value that a client can choose freely, but for the names of slots, which are bounded. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "api/exposition.h"
#include "api/field.h"
#include "api/handlers.h"
#include "api/server.h"
#include "api/traffic.h"
#include "service/base/metrics.h"
#include "service/base/process.h"
#include "service/jobs/yield.h"

enum { TEXT_MAX = 4 * 1024 * 1024 };

#define ONE_LABEL(n, v) ((const struct label[]){{n, v}, {NULL, NULL}})

static void one(struct exposition *x, enum exposition_type type, const char *name, const char *help,
                double value)
{
    expose(x, type, name, help);
    expose_value(x, NULL, value);
}

static void expose_tally(struct exposition *x, struct tally *t, const char *a, const char *b)
{
    size_t n = atomic_load_explicit(&t->n, memory_order_acquire);
    for (size_t i = 0; i < n; i++) {
        struct tally_row *r = &t->rows[i];
        const struct label labels[] = {{a, r->labels[0]}, {b, r->labels[1]}, {NULL, NULL}};
        if (x->type == EXPOSE_HISTOGRAM)
            expose_histogram(x, labels, &r->times, &yield_scale);
        else
            expose_value(x, labels, (double)atomic_load(&r->count));
    }
}

static void expose_yield(struct exposition *x)
{
    struct yield *y = yield_now();
    expose(x, EXPOSE_COUNTER, "espgate_jobs", "Jobs that have ended, by how.");
    expose_tally(x, &y->by_kind, "kind", "state");
    expose(x, EXPOSE_COUNTER, "espgate_slot_jobs", "The same by slot: what each place yields.");
    expose_tally(x, &y->by_slot, "slot", "state");
    expose(x, EXPOSE_COUNTER, "espgate_job_failures", "Failed jobs by step and code.");
    expose_tally(x, &y->failures, "step", "code");
    expose(x, EXPOSE_HISTOGRAM, "espgate_job_step_duration_seconds",
           "Steps of jobs that have ended.");
    expose_tally(x, &y->by_step, "step", "state");
}

static void expose_living(struct exposition *x, struct jobs *jobs)
{
    struct jobs_census c;
    jobs_count(jobs, &c);
    expose(x, EXPOSE_GAUGE, "espgate_jobs_alive", "Jobs that wait or run.");
    for (int k = 0; k < COMMAND_KINDS; k++) {
        const char *kind = command_kind_name((enum command_kind)k);
        const struct label queued[] = {{"kind", kind}, {"state", "queued"}, {NULL, NULL}};
        const struct label running[] = {{"kind", kind}, {"state", "running"}, {NULL, NULL}};
        expose_value(x, queued, (double)c.queued[k]);
        expose_value(x, running, (double)c.running[k]);
    }
}

/* As many slots as a tally has rows. */
static void expose_slots(struct exposition *x, struct jobs *jobs)
{
    struct slot_load *list;
    size_t n, shown;
    if (jobs_loads(jobs, &list, &n)) return;
    shown = n < TALLY_ROWS ? n : TALLY_ROWS;
    expose(x, EXPOSE_GAUGE, "espgate_slot_queue_length", "Jobs of a slot that wait.");
    for (size_t i = 0; i < shown; i++)
        expose_value(x, ONE_LABEL("slot", list[i].slot), (double)list[i].queued);
    expose(x, EXPOSE_GAUGE, "espgate_slot_busy", "1: a job of the slot runs.");
    for (size_t i = 0; i < shown; i++)
        expose_value(x, ONE_LABEL("slot", list[i].slot), list[i].running);
    expose(x, EXPOSE_GAUGE, "espgate_slot_held", "1: the slot is paused or draining.");
    for (size_t i = 0; i < shown; i++)
        expose_value(x, ONE_LABEL("slot", list[i].slot), list[i].hold != HOLD_NONE);
    free(list);
}

static void expose_counters(struct exposition *x)
{
    static const struct {
        enum metric metric;
        const char *name, *help;
    } plain[] = {
        {METRIC_FLASH_RETRIES, "espgate_flash_retries",
         "Pieces of work with a loader that were done again."},
        {METRIC_FLASH_SLOWDOWNS, "espgate_flash_slowdowns",
         "Changes to a lower speed because of a bad wire."},
        {METRIC_STREAMS_SLOW, "espgate_event_streams_slow",
         "Event streams that were ended since their clients did not read."},
        {METRIC_CLOUD_REQUESTS, "espgate_cloud_requests", "Requests to clouds, repeated ones too."},
        {METRIC_CLOUD_CONNECTIONS, "espgate_cloud_connections", "Connections made for them."},
        {METRIC_CLOUD_RETRIES, "espgate_cloud_retries", "Requests that were repeated."},
        {METRIC_CLOUD_THROTTLED, "espgate_cloud_throttled", "Requests refused as too many."},
        {METRIC_STORE_COMMITS, "espgate_store_commits", "Transactions of the database."},
        {METRIC_STORE_WRITES, "espgate_store_writes", "Changes in them."},
        {METRIC_STORE_FAULTS, "espgate_store_faults", "Transactions that did not succeed."},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        one(x, EXPOSE_COUNTER, plain[i].name, plain[i].help, (double)metrics_get(plain[i].metric));
    expose(x, EXPOSE_COUNTER, "espgate_webhook_calls", "Calls of webhooks' receivers.");
    expose_value(x, ONE_LABEL("outcome", "taken"), (double)metrics_get(METRIC_WEBHOOKS_TAKEN));
    expose_value(x, ONE_LABEL("outcome", "failed"), (double)metrics_get(METRIC_WEBHOOKS_FAILED));
    expose(x, EXPOSE_COUNTER, "espgate_cloud_calls", "Calls of clouds by how they ended.");
    expose_tally(x, metrics_cloud_calls(), "operation", "outcome");
    expose(x, EXPOSE_COUNTER, "espgate_serial_bytes", "Bytes on the serial ports.");
    expose_value(x, ONE_LABEL("direction", "out"), (double)metrics_get(METRIC_SERIAL_OUT));
    expose_value(x, ONE_LABEL("direction", "in"), (double)metrics_get(METRIC_SERIAL_IN));
    expose(x, EXPOSE_COUNTER, "espgate_log_lines", "Lines of the log that a human should read.");
    expose_value(x, ONE_LABEL("level", "error"), (double)metrics_get(METRIC_LOG_ERRORS));
    expose_value(x, ONE_LABEL("level", "warn"), (double)metrics_get(METRIC_LOG_WARNINGS));
}

static void expose_server(struct exposition *x, const struct service *svc)
{
    struct server_load load;
    struct statvfs disk;
    server_look(svc->server, &load);
    one(x, EXPOSE_GAUGE, "espgate_http_connections", "Connections of clients.",
        (double)load.connections);
    one(x, EXPOSE_GAUGE, "espgate_http_active_requests", "Requests that are being answered.",
        (double)load.active);
    one(x, EXPOSE_GAUGE, "espgate_event_streams", "Event streams that are open.",
        (double)load.streams);
    if (load.tls_expires_s)
        one(x, EXPOSE_GAUGE, "espgate_tls_certificate_expiry_timestamp_seconds",
            "When the server's certificate ends.", (double)load.tls_expires_s);
    if (statvfs(svc->data_dir, &disk) == 0)
        one(x, EXPOSE_GAUGE, "espgate_disk_free_bytes", "Free where the data is.",
            (double)disk.f_bavail * (double)disk.f_frsize);
}

static void expose_process(struct exposition *x, const char *version)
{
    struct process_figures p;
    process_read(&p);
    one(x, EXPOSE_COUNTER, "process_cpu_seconds", "Time of all threads.", p.cpu_s);
    one(x, EXPOSE_GAUGE, "process_resident_memory_bytes", "Memory in use.",
        (double)p.resident_bytes);
    one(x, EXPOSE_GAUGE, "process_virtual_memory_bytes", "Memory that is mapped.",
        (double)p.virtual_bytes);
    one(x, EXPOSE_GAUGE, "process_open_fds", "Open files.", (double)p.files);
    one(x, EXPOSE_GAUGE, "process_max_fds", "Most files that may be open.", (double)p.files_max);
    one(x, EXPOSE_GAUGE, "process_threads", "Threads.", (double)p.threads);
    one(x, EXPOSE_GAUGE, "process_start_time_seconds", "When it was started.", p.started_s);
    expose(x, EXPOSE_INFO, "espgate_build", "What runs.");
    expose_value(x, ONE_LABEL("version", version), 1);
}

struct reply handle_metrics(struct request *rq, const struct service *svc)
{
    static const char openmetrics[] = "application/openmetrics-text";
    struct buf text;
    buf_init(&text, TEXT_MAX);
    struct exposition x = {.out = &text,
                           .open = field_accept_prefers(rq->accept, openmetrics, "text/plain")};
    expose_yield(&x);
    expose_living(&x, svc->jobs);
    expose_slots(&x, svc->jobs);
    expose_counters(&x);
    traffic_expose(server_traffic(svc->server), &x);
    expose_server(&x, svc);
    expose_process(&x, svc->version);
    expose_end(&x);
    enum err e = buf_ok(&text);
    if (!e)
        return reply_bytes(200,
                           x.open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8",
                           &text);
    err_set(e, "the figures do not fit");
    return reply_error(rq);
}
