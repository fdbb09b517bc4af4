/* slots: places on the bench, and the host's serial ports. A port that no stored slot names is a
 * slot of its own name ("implicit"), so that one board works without configuration. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/digest.h"
#include "service/base/json_in.h"
#include "service/flash/reset.h"
#include "service/port/enumerate.h"

enum { ETAG = 36 };

/* Looking at If-Match and changing the slot must be one act; HTTP has two threads. Slots change a
 * few times a day, so that one of them waits for the other's disk write does not matter. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* All slots and ports, looked at once. */
struct bench {
    struct port_list ports;
    struct slot_record *slots;
    size_t slot_count;
};

static enum err bench_read(const struct service *svc, struct bench *b)
{
    *b = (struct bench){.slots = NULL};
    enum err e = enumerate_ports(svc->port_globs, svc->port_glob_count, &b->ports);
    return e ? e : store_slot_list(svc->store, &b->slots, &b->slot_count);
}

static void bench_dispose(struct bench *b)
{
    free(b->ports.items);
    free(b->slots);
}

/* The slot that a port belongs to; "" when its implicit slot's name is taken by a stored one. */
static const char *slot_of(const struct bench *b, const struct port_info *p)
{
    const char *name = p->name;
    for (size_t i = 0; i < b->slot_count; i++) {
        const struct slot_record *s = &b->slots[i];
        if (enumerate_match(&b->ports, s->download_port) == p ||
            enumerate_match(&b->ports, s->at_port) == p)
            return s->name;
        if (strcmp(s->name, p->name) == 0) name = "";
    }
    return name;
}

struct reply handle_port_list(struct request *rq, const struct service *svc)
{
    struct bench b;
    if (bench_read(svc, &b)) {
        struct reply failed = reply_error(rq);
        bench_dispose(&b);
        return failed;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < b.ports.count; i++) {
        const struct port_info *port = &b.ports.items[i];
        struct slot_record slot;
        struct slot_status status = {.queued = 0};
        const char *name = slot_of(&b, port);
        if (*name) jobs_slot(svc->jobs, &b.ports, name, &slot, &status); /* gone: without a job */
        /* the slot may miss its other port; this one is there */
        enum slot_state state = status.job[0] ? SLOT_BUSY : SLOT_IDLE;
        json_array_append_new(items, json_out_port(port, name, state));
    }
    bench_dispose(&b);
    return reply_json(200, json_pack("{s:o}", "items", items));
}

/* What was last there is read after what is there now: a job that ends in between is told as one
 * that still runs, and never as one that was not. */
static enum err slot_json(const struct service *svc, const struct slot_record *slot,
                          const struct slot_status *status, json_t **out)
{
    struct slot_seen seen;
    *out = NULL;
    enum err e = store_slot_seen(svc->store, slot->name, &seen);
    if (!e) *out = json_out_slot(slot, status, &seen);
    return e;
}

static enum err append_slot(json_t *items, const struct service *svc, const struct bench *b,
                            const char *name)
{
    struct slot_record slot;
    struct slot_status status;
    json_t *item;
    if (jobs_slot(svc->jobs, &b->ports, name, &slot, &status)) return ERR_OK; /* gone meanwhile */
    enum err e = slot_json(svc, &slot, &status, &item);
    if (!e) json_array_append_new(items, item);
    return e;
}

static enum err list_slots(const struct service *svc, json_t *items)
{
    struct bench b;
    enum err e = bench_read(svc, &b);
    for (size_t i = 0; !e && i < b.slot_count; i++)
        e = append_slot(items, svc, &b, b.slots[i].name);
    for (size_t i = 0; !e && i < b.ports.count; i++) {
        const struct port_info *port = &b.ports.items[i];
        if (slot_of(&b, port) == port->name) e = append_slot(items, svc, &b, port->name);
    }
    bench_dispose(&b);
    return e;
}

struct reply handle_slot_list(struct request *rq, const struct service *svc)
{
    json_t *items = json_array();
    if (!list_slots(svc, items)) return reply_json(200, json_pack("{s:o}", "items", items));
    json_decref(items);
    return reply_error(rq);
}

/* Over what the client can set, so that a job does not change it. */
static void slot_etag(const struct slot_record *s, char out[ETAG])
{
    char text[1024], hex[SHA256_HEX];
    uint8_t digest[SHA256_BYTES];
    int n = snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%u %u %u", s->name, s->download_port,
                     s->at_port, s->reset, (unsigned)s->download_baud, (unsigned)s->flash_baud,
                     (unsigned)s->at_baud);
    digest_sha256(text, (size_t)n, digest);
    snprintf(out, ETAG, "\"%.32s\"", digest_hex(digest, sizeof digest, hex));
}

static struct reply reply_slot(struct request *rq, const struct service *svc, int code,
                               const struct slot_record *slot, const struct slot_status *status)
{
    char etag[ETAG];
    json_t *body;
    if (slot_json(svc, slot, status, &body)) return reply_error(rq);
    slot_etag(slot, etag);
    struct reply r = reply_json(code, body);
    reply_header(&r, "ETag", "%s", etag);
    return r;
}

struct reply handle_slot_get(struct request *rq, const struct service *svc)
{
    struct slot_record slot;
    struct slot_status status;
    if (jobs_slot(svc->jobs, NULL, request_var(rq, "name"), &slot, &status)) return reply_error(rq);
    return reply_slot(rq, svc, 200, &slot, &status);
}

/* No path has such a byte, and none gets into a log or a terminal. */
static void refuse_control(struct field_errors *errors, const char *pointer, const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s >= 0x20 && *s != 0x7f) continue;
        field_errors_add(errors, pointer, "must not hold control characters");
        return;
    }
}

static enum err read_slot(const struct request *rq, struct slot_record *out,
                          struct field_errors *errors)
{
    struct reset reset;
    int64_t download = 115200, flash = 921600, at = 115200;
    json_t *body;
    const struct json_field fields[] = {
        JSON_STR("download_port", out->download_port, JSON_OPTIONAL, 1, 255),
        JSON_STR("at_port", out->at_port, JSON_OPTIONAL, 1, 255),
        JSON_STR("reset", out->reset, JSON_OPTIONAL, 1, sizeof out->reset - 1),
        JSON_INT("download_baud", &download, JSON_OPTIONAL, 9600, 2000000),
        JSON_INT("flash_baud", &flash, JSON_OPTIONAL, 9600, 2000000),
        JSON_INT("at_baud", &at, JSON_OPTIONAL, 9600, 2000000),
        JSON_FIELDS_END,
    };
    enum err e = request_json(rq, &body);
    if (e) return e;
    snprintf(out->reset, sizeof out->reset, "auto");
    json_in(body, "", fields, errors);
    json_decref(body);
    refuse_control(errors, "/download_port", out->download_port);
    refuse_control(errors, "/at_port", out->at_port);
    if (reset_parse(out->reset, &reset))
        field_errors_add(errors, "/reset", "%s", err_last()->detail);
    e = field_errors_result(errors);
    if (e) return e;
    snprintf(out->name, sizeof out->name, "%s", request_var(rq, "name"));
    out->download_baud = (uint32_t)download;
    out->flash_baud = (uint32_t)flash;
    out->at_baud = (uint32_t)at;
    if (out->download_port[0] || out->at_port[0]) return ERR_OK;
    field_errors_add(errors, "", "names no port: give download_port, at_port or both");
    return field_errors_result(errors);
}

/* @param now  NULL: there is no such slot */
static enum err check_match(const struct request *rq, const struct slot_record *now)
{
    char etag[ETAG];
    if (now) slot_etag(now, etag);
    return request_check_match(rq, "slot", now ? etag : NULL, now && now->changed_ms);
}

/* @return the status to answer with, 0 = the error of this thread */
static int put_slot(const struct request *rq, const struct service *svc, struct slot_record *slot)
{
    struct slot_record now;
    struct slot_status status;
    enum err e = jobs_slot(svc->jobs, NULL, slot->name, &now, &status);
    if (e && e != ERR_NOT_FOUND) return 0;
    if (check_match(rq, e ? NULL : &now)) return 0;
    slot->changed_ms = clock_now_ms();
    if (store_slot_put(svc->store, slot)) return 0;
    return e || !now.changed_ms ? 201 : 200;
}

struct reply handle_slot_put(struct request *rq, const struct service *svc)
{
    struct slot_record slot = {.name = ""};
    struct slot_status status;
    struct field_errors errors = {.count = 0};
    const char *name = request_var(rq, "name");
    if (!id_is_name(name, sizeof slot.name - 1)) {
        err_fail(ERR_ARG, "bad_name", NULL,
                 "a slot's name has 1 to 63 letters, digits, '-', '_' and '.', and begins with "
                 "another one than '.'");
        return reply_error(rq);
    }
    if (read_slot(rq, &slot, &errors)) return reply_fields(rq, &errors);
    pthread_mutex_lock(&changing);
    int code = put_slot(rq, svc, &slot);
    pthread_mutex_unlock(&changing);
    if (!code || jobs_slot(svc->jobs, NULL, name, &slot, &status)) return reply_error(rq);
    struct reply r = reply_slot(rq, svc, code, &slot, &status);
    if (code == 201) reply_header(&r, "Location", "/v1/slots/%s", name);
    return r;
}

static enum err delete_slot(const struct request *rq, const struct service *svc, const char *name)
{
    struct slot_record now;
    struct slot_status status;
    enum err e = jobs_slot(svc->jobs, NULL, name, &now, &status);
    if (!e) e = check_match(rq, &now);
    if (e) return e;
    if (!now.changed_ms)
        return err_fail(ERR_NOT_FOUND, "slot_not_found", NULL,
                        "%s is the implicit slot of a port: there is nothing stored to delete",
                        name);
    if (status.job[0] || status.queued)
        return err_fail(ERR_CONFLICT, "slot_busy", "Cancel its jobs first.",
                        "slot %s has work: job %s runs, %zu wait", name,
                        status.job[0] ? status.job : "none", status.queued);
    return store_slot_delete(svc->store, name);
}

struct reply handle_slot_delete(struct request *rq, const struct service *svc)
{
    pthread_mutex_lock(&changing);
    enum err e = delete_slot(rq, svc, request_var(rq, "name"));
    pthread_mutex_unlock(&changing);
    return e ? reply_error(rq) : reply_empty(204);
}

static struct reply hold(struct request *rq, const struct service *svc, enum slot_hold hold)
{
    struct slot_record slot;
    struct slot_status status;
    const char *name = request_var(rq, "name");
    if (jobs_hold(svc->jobs, name, hold, rq->actor.name) ||
        jobs_slot(svc->jobs, NULL, name, &slot, &status))
        return reply_error(rq);
    return reply_slot(rq, svc, 200, &slot, &status);
}

struct reply handle_slot_pause(struct request *rq, const struct service *svc)
{
    return hold(rq, svc, HOLD_PAUSED);
}

struct reply handle_slot_drain(struct request *rq, const struct service *svc)
{
    return hold(rq, svc, HOLD_DRAINING);
}

struct reply handle_slot_resume(struct request *rq, const struct service *svc)
{
    return hold(rq, svc, HOLD_NONE);
}
