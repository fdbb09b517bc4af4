/* jobs: orders are taken, stored and acknowledged; the work itself is done by the slot's worker. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/digest.h"
#include "service/base/limits.h"
#include "service/jobs/command.h"
#include "service/jobs/profile.h"

enum { DATA_NAME = 32 };

/* @param job  released */
static struct reply reply_job(int status, struct job_record *job)
{
    struct reply r = reply_json(status, json_out_job(job));
    job_record_dispose(job);
    return r;
}

/* 202 with the address of the job. @param job  released */
static struct reply reply_accepted(struct job_record *job)
{
    char id[ID_TEXT];
    memcpy(id, job->id, sizeof id);
    struct reply r = reply_job(202, job);
    reply_header(&r, "Location", "/v1/jobs/%s", id);
    return r;
}

/* POST /v1/jobs with Prefer: wait=N, when the waiting is over. Whatever ended it, the job has been
 * accepted and the client must learn its address. */
static struct reply created_after_wait(struct request *rq, const struct service *svc)
{
    struct job_record job = {.id = ""};
    if (jobs_get(svc->jobs, rq->job, &job)) return reply_error(rq);
    if (!job_state_is_final(job.state)) return reply_accepted(&job);
    struct reply r = reply_job(200, &job);
    reply_header(&r, "Location", "/v1/jobs/%s", rq->job);
    reply_header(&r, "Preference-Applied", "wait=%ld", field_prefer_wait(rq->prefer, LIMIT_WAIT_S));
    return r;
}

/* 202, or later where the client prefers to wait. @param job  released */
static struct reply reply_created(struct request *rq, struct job_record *job)
{
    long wait = field_prefer_wait(rq->prefer, LIMIT_WAIT_S);
    if (!wait) return reply_accepted(job);
    memcpy(rq->job, job->id, sizeof rq->job);
    job_record_dispose(job);
    return reply_later((int)wait, created_after_wait);
}

/* Who asks, without what for. */
static struct job_order order_of(struct request *rq)
{
    rq->answer_is_job = true;
    return (struct job_order){.actor = rq->actor.name,
                              .token = rq->actor.token,
                              .idempotency = rq->idempotency,
                              .body_sha256 = rq->body_digest};
}

struct reply handle_job_create(struct request *rq, const struct service *svc)
{
    struct command command;
    struct field_errors errors = {.count = 0};
    struct job_record job = {.id = ""};
    struct buf order; /* the body, with what its profile adds */
    buf_init_secret(&order, LIMIT_UPLOAD_BODY);
    enum err e = profile_apply(svc->store, buf_str(&rq->body), rq->body.len, &order);
    if (!e) e = command_parse(buf_str(&order), order.len, &command, &errors);
    if (!e) {
        struct job_order o = order_of(rq);
        o.command = &command;
        o.body = buf_str(&order);
        e = jobs_submit(svc->jobs, &o, &errors, &job);
        command_dispose(&command);
    }
    buf_dispose(&order);
    if (err_is(e, "bad_body")) return reply_fields(rq, &errors);
    if (e) return reply_error(rq);
    return reply_created(rq, &job);
}

/* What the record says since then is taken back. */
static void make_queued(struct job_record *job)
{
    job_record_dispose(job);
    job->state = JOB_QUEUED;
    job->started_ms = job->finished_ms = 0;
    job->step_count = 0;
    job->progress_done = job->progress_total = 0;
    job->progress_unit[0] = '\0';
    job->error = (struct err_info){.kind = ERR_OK};
    job->error_step[0] = '\0';
}

struct reply handle_job_repeat(struct request *rq, const struct service *svc)
{
    struct job_record job = {.id = ""};
    if (jobs_get(svc->jobs, rq->job, &job)) return reply_error(rq);
    if (rq->match.route->handler == handle_job_retry) rq->prefer = NULL; /* it never waits */
    if (job_state_is_final(job.state) && field_prefer_wait(rq->prefer, LIMIT_WAIT_S)) {
        job_record_dispose(&job);
        return created_after_wait(rq, svc);
    }
    make_queued(&job);
    return reply_created(rq, &job);
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "job_not_found", "GET /v1/jobs lists them.",
                    "there is no job \"%s\"", id);
}

static struct shared_text *render(const struct job_record *job)
{
    json_t *json = json_out_job(job);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct shared_text *shared = text ? shared_text_new(text, strlen(text)) : NULL;
    free(text);
    json_decref(json);
    return shared;
}

static struct reply reply_present(const struct request *rq, const struct service *svc,
                                  bool *ended_out)
{
    struct shared_text *text = NULL;
    const char *id = request_var(rq, "id");
    enum err e =
        request_is_id(id) ? jobs_text(svc->jobs, id, render, &text, ended_out) : not_found(id);
    return e ? reply_error(rq) : reply_shared(200, "application/json", text);
}

static struct reply job_after_wait(struct request *rq, const struct service *svc)
{
    bool ended;
    if (rq->woken == WAIT_FULL) {
        err_fail(ERR_BUSY, "too_many_waiting", "Ask again without wait.",
                 "%d requests wait already", LIMIT_WAITERS);
        return reply_error(rq);
    }
    if (rq->woken == WAIT_CLOSING) {
        err_fail(ERR_CONFLICT, "shutting_down", "Ask again when it runs.", "espgate is stopping");
        return reply_error(rq);
    }
    return reply_present(rq, svc, &ended);
}

struct reply handle_job_get(struct request *rq, const struct service *svc)
{
    long wait = 0;
    bool ended = false;
    if (request_query_number(rq, "wait", 0, LIMIT_WAIT_S, &wait)) return reply_error(rq);
    struct reply r = reply_present(rq, svc, &ended);
    if (!wait || ended || r.status != 200) return r;
    reply_dispose(&r);
    snprintf(rq->job, sizeof rq->job, "%s", request_var(rq, "id"));
    return reply_later((int)wait, job_after_wait);
}

static bool is_kind(const char *name)
{
    for (int k = COMMAND_IDENTIFY; k <= COMMAND_RESTORE; k++)
        if (strcmp(command_kind_name((enum command_kind)k), name) == 0) return true;
    return false;
}

static enum err read_filter(const struct request *rq, struct job_filter *f)
{
    const char *slot = request_query(rq, "slot"), *kind = request_query(rq, "kind");
    const char *state = request_query(rq, "state"), *credential = request_query(rq, "credential");
    const char *firmware = request_query(rq, "firmware");
    *f = (struct job_filter){.by_state = state != NULL};
    if (slot && !id_is_name(slot, sizeof f->slot - 1)) return request_no_such_value("slot");
    if (kind && !is_kind(kind)) return request_no_such_value("kind");
    if (credential && !request_is_id(credential)) return request_no_such_value("credential");
    if (firmware && !request_is_id(firmware)) return request_no_such_value("firmware");
    if (state && job_state_parse(state, &f->state)) return request_no_such_value("state");
    snprintf(f->slot, sizeof f->slot, "%s", slot ? slot : "");
    snprintf(f->kind, sizeof f->kind, "%s", kind ? kind : "");
    snprintf(f->credential, sizeof f->credential, "%s", credential ? credential : "");
    snprintf(f->firmware, sizeof f->firmware, "%s", firmware ? firmware : "");
    return ERR_OK;
}

static bool is_job(const char *text)
{
    return request_is_id_of(text, "job_");
}

struct reply handle_job_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct job_filter filter;
    struct job_record *list = NULL;
    size_t n;
    if (request_page(rq, is_job, &page) || read_filter(rq, &filter) ||
        jobs_list(svc->jobs, &filter, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, json_out_job(&list[i]));
        job_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_job_cancel(struct request *rq, const struct service *svc)
{
    struct job_record job = {.id = ""};
    const char *id = request_var(rq, "id");
    enum err e = request_is_id(id) ? jobs_cancel(svc->jobs, id, &job) : not_found(id);
    if (e) return reply_error(rq);
    return reply_job(job_state_is_final(job.state) ? 200 : 202, &job);
}

struct reply handle_job_retry(struct request *rq, const struct service *svc)
{
    struct job_record job = {.id = ""};
    const char *id = request_var(rq, "id");
    const struct job_order by = order_of(rq);
    enum err e = request_is_id(id) ? jobs_retry(svc->jobs, id, &by, &job) : not_found(id);
    return e ? reply_error(rq) : reply_accepted(&job);
}

struct reply handle_job_log(struct request *rq, const struct service *svc)
{
    struct buf text;
    const char *id = request_var(rq, "id");
    buf_init(&text, (size_t)LIMIT_TRANSCRIPT * 4);
    enum err e = request_is_id(id) ? jobs_log(svc->jobs, id, &text) : not_found(id);
    if (!e) return reply_bytes(200, "application/x-ndjson", &text);
    buf_dispose(&text);
    return reply_error(rq);
}

/* "mqtt_ca.bin", "0x10000-0x4000.bin", "flash.bin": after the place that was read. */
static void name_after(const struct command *c, char out[DATA_NAME])
{
    const struct command_place *p = &c->place;
    if (c->whole) {
        snprintf(out, DATA_NAME, "flash.bin");
    } else if (p->partition[0]) {
        snprintf(out, DATA_NAME, "%s.bin", p->partition);
        for (char *s = out; *s; s++) /* from a table of any board, and into a header field */
            if (!isalnum((unsigned char)*s) && !strchr("-_.", *s)) *s = '_';
    } else {
        snprintf(out, DATA_NAME, "0x%x-0x%x.bin", (unsigned)p->offset, (unsigned)p->size);
    }
}

static enum err data_name(const struct service *svc, const char *id, char out[DATA_NAME])
{
    struct buf body;
    struct field_errors errors;
    struct command *c = calloc(1, sizeof *c);
    if (!c) return err_set(ERR_MEM, "out of memory");
    buf_init_secret(&body, LIMIT_JSON_BODY);
    enum err e = store_job_command(svc->store, id, &body);
    if (!e) e = command_parse(buf_str(&body), body.len, c, &errors);
    if (!e) name_after(c, out);
    command_dispose(c);
    free(c);
    buf_dispose(&body);
    return e;
}

struct reply handle_job_data(struct request *rq, const struct service *svc)
{
    uint8_t digest[SHA256_BYTES];
    char name[DATA_NAME], hex[SHA256_HEX], etag[SHA256_HEX + 2];
    struct buf data;
    const char *id = request_var(rq, "id");
    buf_init_secret(&data, LIMIT_DUMP_BYTES);
    enum err e = data_name(svc, id, name);
    if (!e) e = store_dump_get(svc->store, id, &data);
    if (e) {
        buf_dispose(&data);
        return reply_error(rq);
    }
    digest_sha256(data.data, data.len, digest);
    snprintf(etag, sizeof etag, "\"%s\"", digest_hex(digest, sizeof digest, hex));
    struct reply r = reply_bytes(200, "application/octet-stream", &data);
    reply_header(&r, "Content-Disposition", "attachment; filename=\"%s\"", name);
    return reply_with_etag(rq, r, etag);
}

struct reply handle_job_data_delete(struct request *rq, const struct service *svc)
{
    return store_dump_delete(svc->store, request_var(rq, "id")) ? reply_error(rq)
                                                                : reply_empty(204);
}
