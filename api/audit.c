#include "api/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"
#include "service/store/audit.h"

bool audit_is_wanted(const struct route *route)
{
    return route && (route_writes(route) || route->bodies & ROUTE_SECRET);
}

/* What the path names: an id or a name, or two. */
static void take_target(const struct request *rq, struct audit_entry *e)
{
    const struct route_match *m = &rq->match;
    for (size_t i = 0; i < m->var_count; i++) {
        size_t n = strlen(e->target);
        snprintf(e->target + n, sizeof e->target - n, "%s%s", i ? "/" : "", m->vars[i].value);
    }
    if (strncmp(e->target, "job_", 4) == 0)
        snprintf(e->job, sizeof e->job, "%.*s", (int)sizeof e->job - 1, e->target);
    if (strncmp(m->route->path, "/v1/slots/", 10) == 0)
        snprintf(e->slot, sizeof e->slot, "%.*s", (int)sizeof e->slot - 1, e->target);
}

static void begin(const struct request *rq, struct audit_entry *e)
{
    *e = (struct audit_entry){.outcome = "done"};
    snprintf(e->actor, sizeof e->actor, "%s", rq->actor.name);
    snprintf(e->token, sizeof e->token, "%s", rq->actor.token);
    snprintf(e->address, sizeof e->address, "%s", rq->actor.address);
    snprintf(e->request, sizeof e->request, "%s", rq->id);
    snprintf(e->action, sizeof e->action, "%s", rq->match.route->operation);
    take_target(rq, e);
}

/* What was made, where the path did not name it yet. */
static void take_made(const struct reply *r, struct audit_entry *e)
{
    const char *location = reply_find(r, "Location");
    const char *made = location ? strrchr(location, '/') : NULL;
    if (!made || e->target[0]) return;
    snprintf(e->target, sizeof e->target, "%.*s", (int)sizeof e->target - 1, made + 1);
    if (strncmp(e->target, "job_", 4) == 0)
        snprintf(e->job, sizeof e->job, "%.*s", (int)sizeof e->job - 1, e->target);
}

static const char *outcome_of(int status)
{
    if (status < 400) return "done";
    return status == 401 || status == 403 || status == 421 || status == 429 ? "refused" : "failed";
}

/* A reply that waits for its job (status 0) was accepted. */
static int status_of_reply(const struct reply *r)
{
    return r->status ? r->status : 202;
}

static enum err conclude(const struct reply *r, struct audit_entry *e)
{
    int status = status_of_reply(r);
    json_t *detail = json_pack("{s:i}", "status", status);
    if (r->code[0]) json_object_set_new(detail, "code", json_string(r->code));
    if (reply_find(r, "Idempotent-Replayed")) json_object_set_new(detail, "repeated", json_true());
    take_made(r, e);
    snprintf(e->outcome, sizeof e->outcome, "%s", outcome_of(status));
    return audit_entry_detail(e, detail);
}

/* It must not be lost without a trace: the operator's log has it instead. */
static void tell_lost(const struct audit_entry *e)
{
    log_error("audit entry not written",
              "code=%s actor=\"%s\" token=%s address=%s action=%s target=%s outcome=%s",
              err_last()->code, e->actor, e->token, e->address, e->action, e->target, e->outcome);
}

static struct reply settle(const struct request *rq, const struct service *svc,
                           struct audit_entry *e, struct reply r)
{
    bool is_done = status_of_reply(&r) < 400;
    if (e->sequence && is_done) return r; /* the job took it along */
    enum err err = conclude(&r, e);
    if (!err) err = store_audit_add(svc->store, e);
    if (!err) return r;
    tell_lost(e);
    /* What a change has changed is so, whatever is noted of it; a secret can still be kept. */
    if (!is_done || route_writes(rq->match.route)) return r;
    reply_dispose(&r);
    return reply_error(rq);
}

struct reply audit_ask(struct request *rq, const struct service *svc,
                       struct reply (*ask)(void *arg), void *arg)
{
    struct audit_entry e;
    begin(rq, &e);
    const struct reply accepted = {.status = 202};
    bool may_ride = conclude(&accepted, &e) == ERR_OK;
    if (may_ride) store_audit_with_job(&e);
    struct reply r = ask(arg);
    store_audit_with_job(NULL);
    r = settle(rq, svc, &e, r);
    audit_entry_dispose(&e);
    return r;
}

struct refusal {
    struct pool_task task;
    struct store *store;
    struct audit_entry entry;
};

/* Also while the service stops: then on the thread that refused it. */
static void write_refusal(enum pool_end why, void *arg)
{
    struct refusal *f = arg;
    log_context(f->entry.request, "");
    enum err e = why != POOL_FULL ? store_audit_add(f->store, &f->entry)
                                  : err_set(ERR_BUSY, "too much is to be written");
    if (e) tell_lost(&f->entry);
    log_context("", "");
    audit_entry_dispose(&f->entry);
    free(f);
}

void audit_refused(const struct request *rq, const struct reply *r, const struct service *svc,
                   struct pool *writers)
{
    if (!audit_is_wanted(rq->match.route)) return;
    /* one who is locked out shall not fill the disk: his lockout is what stops that */
    if (strcmp(r->code, "too_many_failures") == 0) return;
    struct refusal *f = calloc(1, sizeof *f);
    if (!f) return;
    f->store = svc->store;
    f->task = (struct pool_task){.run = write_refusal, .arg = f};
    begin(rq, &f->entry);
    (void)conclude(r, &f->entry); /* without a detail it says what matters */
    pool_add(writers, &f->task);
}
