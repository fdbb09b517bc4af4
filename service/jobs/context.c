/* context: what a step reports becomes part of the worker's record, is stored, and only then shown
 * (worker_publish). Progress is the exception: shown at once, stored at most once a second. */
#include "service/jobs/context.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/jobs/worker.h"
#include "service/store/text.h"

enum { PROGRESS_STORE_NS = 1000 * 1000 * 1000, NOTE = 512 };

static struct job_step *last_step(const struct worker *w)
{
    return &w->record->steps[w->record->step_count - 1];
}

static struct job_step *add_step(struct worker *w, const char *name)
{
    struct job_record *r = w->record;
    if (r->step_count == LIMIT_JOB_STEPS) return NULL;
    struct job_step *step = &r->steps[r->step_count++];
    memset(step, 0, sizeof *step);
    snprintf(step->name, sizeof step->name, "%s", name);
    step->state = STEP_RUNNING;
    step->started_ms = clock_now_ms();
    return step;
}

enum err job_why_cancelled(struct job_context *ctx)
{
    return worker_stop_error(worker_why(ctx->worker));
}

/* A step is stored before it begins, so that after a crash it is known what the board was in. A
 * database that is locked or has no room is waited out, for as long as the job may last: the board
 * does not mind. */
static enum err publish_begin(struct job_context *ctx)
{
    struct worker *w = ctx->worker;
    for (bool told = false;; told = true) {
        enum err e = worker_publish(w);
        if (!err_is(e, "store_busy") && !err_is(e, "store_full")) return e;
        if (!told) log_warn("step waits to be stored", "code=%s", err_last()->code);
        if (cancel_wait(&w->cancel, deadline_in_ms(WORKER_RETRY_MS))) return job_why_cancelled(ctx);
    }
}

enum err job_step_begin(struct job_context *ctx, const char *name)
{
    struct worker *w = ctx->worker;
    assert(!w->step_open);
    if (cancel_is_raised(&w->cancel)) return job_why_cancelled(ctx);
    if (!add_step(w, name)) return err_set(ERR_INTERNAL, "too many steps");
    w->step_began_ns = deadline_now_ns();
    enum err e = publish_begin(ctx);
    if (e)
        w->record->step_count--; /* it did not begin */
    else
        w->step_open = true;
    return e;
}

static enum step_state state_after(enum err e, enum stop_reason why)
{
    if (!e) return STEP_SUCCEEDED;
    if (why == STOP_USER) return STEP_CANCELLED;
    if (why == STOP_SHUTDOWN) return STEP_INTERRUPTED;
    return STEP_FAILED;
}

/* For errors whose maker knew no better advice. */
static const char *advice(enum err e)
{
    switch (e) {
    case ERR_OK:
    case ERR_CANCELLED:
        return "";
    case ERR_ARG:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_TOO_LARGE:
    case ERR_UNSUPPORTED:
        return "This board or slot cannot do it as asked: change the request, or use another one.";
    case ERR_TIMEOUT:
    case ERR_PROTOCOL:
    case ERR_DEVICE:
    case ERR_VERIFY:
    case ERR_PORT_GONE:
        return "Try again; if it stays so, check cable and power supply. The job's log has every "
               "byte that passed.";
    case ERR_CRYPTO:
        return "Check the credential.";
    case ERR_NETWORK:
        return "Check host, port and network.";
    case ERR_CLOUD:
        return "POST /v1/clouds/{name}/test says what is wrong with the account.";
    case ERR_MEM:
    case ERR_BUSY:
    case ERR_IO:
    case ERR_INTERNAL:
        break;
    }
    return "Try again; the log of espgate may tell more.";
}

enum err job_step_end(struct job_context *ctx, enum err e)
{
    struct worker *w = ctx->worker;
    if (e && !err_last()->hint[0]) err_hint(e, advice(e));
    struct err_info saved = *err_last();
    assert(w->step_open);
    w->step_open = false;
    struct job_step *step = last_step(w);
    enum stop_reason why = e ? worker_stopped_by(w, e) : STOP_NONE;
    step->ms = (int32_t)((deadline_now_ns() - w->step_began_ns) / 1000000);
    if (e || step->state != STEP_SKIPPED) step->state = state_after(e, why);
    if (e) {
        w->record->ahead_count = 0;
        if (why) worker_stop_error(why);
        step->error = *err_last();
        step->error.kind = e;
        text_clean_error(&step->error);
    }
    /* What could not be stored now is part of the next record that is. */
    if (worker_publish(w)) log_warn("step not stored", "code=%s", err_last()->code);
    err_restore(&saved);
    return e;
}

void job_step_skip(struct job_context *ctx, const char *why)
{
    struct worker *w = ctx->worker;
    assert(w->step_open);
    struct job_step *step = last_step(w);
    step->state = STEP_SKIPPED;
    snprintf(step->error.detail, sizeof step->error.detail, "%s", why);
    text_clean_error(&step->error);
}

void job_steps_ahead(struct job_context *ctx, const char *const *names, size_t n)
{
    struct worker *w = ctx->worker;
    if (n) memcpy(w->record->ahead, names, n * sizeof *names);
    w->record->ahead_count = n;
}

void job_progress(struct job_context *ctx, uint64_t done, uint64_t total, const char *unit)
{
    struct worker *w = ctx->worker;
    w->record->progress_done = done;
    w->record->progress_total = total;
    w->record->progress_step = w->record->step_count;
    snprintf(w->record->progress_unit, sizeof w->record->progress_unit, "%s", unit);
    if (worker_show(w)) log_warn("progress not shown", "code=%s", err_last()->code);
    int64_t now = deadline_now_ns();
    if (now - w->stored_ns < PROGRESS_STORE_NS) return;
    w->stored_ns = now; /* also when it fails: not again for each block */
    (void)store_job_progress(w->jobs->config.store, w->record);
}

static void tap(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    const struct worker_tap *t = arg;
    transcript_bytes(t->worker->log, t->label, dir == PORT_FROM_BOARD, data, n);
}

void job_transcribe(struct job_context *ctx, struct port *port, const char *label)
{
    struct worker *w = ctx->worker;
    for (size_t i = 0; i < WORKER_TAPS; i++) {
        struct worker_tap *t = &w->taps[i];
        if (t->label && strcmp(t->label, label) != 0) continue;
        *t = (struct worker_tap){w, label};
        port->tap = tap;
        port->tap_arg = t;
        return;
    }
}

void job_note(struct job_context *ctx, const char *fmt, ...)
{
    struct worker *w = ctx->worker;
    char text[NOTE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    transcript_note(w->log, text);
}

void job_leaves(struct job_context *ctx, const char *sentence)
{
    struct worker *w = ctx->worker;
    snprintf(w->leaves, sizeof w->leaves, "%s", sentence);
}

void job_leaves_at_cloud(struct job_context *ctx, const char *sentence)
{
    struct worker *w = ctx->worker;
    snprintf(w->leaves_at_cloud, sizeof w->leaves_at_cloud, "%s", sentence);
}

void job_has_credential(struct job_context *ctx, const char *credential)
{
    struct worker *w = ctx->worker;
    snprintf(w->record->credential, sizeof w->record->credential, "%s", credential);
}

enum err job_clean_up(struct job_context *ctx)
{
    struct worker *w = ctx->worker;
    return worker_clean_up(w) ? ERR_OK : worker_stop_error(STOP_SHUTDOWN);
}
