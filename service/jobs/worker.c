#include "service/jobs/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/store/text.h"

enum { LOG_MAX = 2 * LIMIT_TRANSCRIPT };

enum err worker_new(struct jobs *jobs, const char *slot, struct worker **out)
{
    *out = NULL;
    struct worker *w = calloc(1, sizeof *w);
    if (!w) return err_set(ERR_MEM, "out of memory");
    w->jobs = jobs;
    snprintf(w->slot, sizeof w->slot, "%s", slot);
    w->cancel.fd = -1;
    thread_cond_init(&w->work);
    w->record = calloc(1, sizeof *w->record);
    w->command = calloc(1, sizeof *w->command);
    enum err e = w->record && w->command ? ERR_OK : err_set(ERR_MEM, "out of memory");
    if (!e) e = cancel_init(&w->cancel);
    if (e) {
        worker_free(w);
        return e;
    }
    (void)mlock(w->command, sizeof *w->command); /* best effort: see RLIMIT_MEMLOCK */
    *out = w;
    return ERR_OK;
}

void worker_free(struct worker *w)
{
    if (!w) return;
    cancel_dispose(&w->cancel);
    pthread_cond_destroy(&w->work);
    if (w->command) {
        command_dispose(w->command);
        munlock(w->command, sizeof *w->command);
    }
    if (w->record) job_record_dispose(w->record);
    free(w->command);
    free(w->record);
    free(w);
}

struct worker *worker_find(const struct jobs *j, const char *slot)
{
    struct worker *w = j->workers;
    while (w && strcmp(w->slot, slot) != 0)
        w = w->next;
    return w;
}

enum err worker_for(struct jobs *j, const char *slot, struct worker **out)
{
    *out = worker_find(j, slot);
    if (*out) return ERR_OK;
    enum err e = worker_new(j, slot, out);
    if (!*out) return e;
    (*out)->next = j->workers;
    j->workers = *out;
    return ERR_OK;
}

void worker_stop_job(struct worker *w, enum stop_reason why)
{
    bool first = w->why == STOP_NONE && !w->cleaning;
    if (!w->job || !(first || (w->cleaning && why == STOP_SHUTDOWN))) return;
    if (first) w->why = why;
    cancel_raise(&w->cancel); /* only bumps a counter: no I/O that could wait */
    pthread_cond_broadcast(&w->jobs->ports_freed);
}

enum stop_reason worker_why(struct worker *w)
{
    pthread_mutex_lock(&w->jobs->lock);
    enum stop_reason why = w->why;
    pthread_mutex_unlock(&w->jobs->lock);
    return why;
}

enum err worker_stop_error(enum stop_reason why)
{
    switch (why) {
    case STOP_TIMEOUT:
        return err_fail(ERR_TIMEOUT, "job_timeout",
                        "Ask for a longer \"timeout\", or see in the steps what took so long.",
                        "the job's time limit is over");
    case STOP_DEADLINE:
        return err_fail(ERR_TIMEOUT, "deadline_passed",
                        "Ask for a later \"deadline\", or see what its slot did meanwhile.",
                        "the job had not ended by its deadline");
    case STOP_SHUTDOWN:
        return err_fail(ERR_CANCELLED, "shutting_down", "Retry the job.", "espgate is ending");
    case STOP_NONE:
    case STOP_USER:
    case STOP_DEPENDENCY: /* tells itself, see unstarted.c */
        break;
    }
    return err_fail(ERR_CANCELLED, "cancelled", NULL, "the job was cancelled");
}

bool worker_clean_up(struct worker *w)
{
    pthread_mutex_lock(&w->jobs->lock);
    bool ending = w->jobs->stopping;
    if (!ending) {
        w->cleaning = true;
        /* Time that passes from now on is not why the job failed. */
        if (!deadline_passed(w->until)) w->until = deadline_never();
        cancel_clear(&w->cancel);
    }
    pthread_mutex_unlock(&w->jobs->lock);
    return !ending;
}

static void end_clean_up(struct worker *w)
{
    pthread_mutex_lock(&w->jobs->lock);
    w->cleaning = false;
    pthread_mutex_unlock(&w->jobs->lock);
}

enum stop_reason worker_stopped_by(struct worker *w, enum err e)
{
    if (w->cleaning) return e == ERR_CANCELLED ? STOP_SHUTDOWN : STOP_NONE;
    if (e == ERR_CANCELLED) return worker_why(w);
    /* A wait that was bounded by the job's limit may end before the clock's thread says so. */
    bool told = worker_why(w) == w->at_until;
    return e == ERR_TIMEOUT && (told || deadline_passed(w->until)) ? w->at_until : STOP_NONE;
}

static enum err load_command(struct worker *w)
{
    struct field_errors errors;
    struct buf text;
    buf_init_secret(&text, LIMIT_UPLOAD_BODY);
    enum err e = store_job_command(w->jobs->config.store, w->record->id, &text);
    if (!e) e = command_parse(buf_str(&text), text.len, w->command, &errors);
    buf_dispose(&text);
    return e;
}

static void set_limit(struct worker *w)
{
    struct deadline own = deadline_in_ms((int64_t)w->command->timeout_s * 1000);
    pthread_mutex_lock(&w->jobs->lock);
    if (own.at_ns < w->until.at_ns) {
        w->until = own;
        w->at_until = STOP_TIMEOUT;
    }
    pthread_cond_signal(&w->jobs->clock_wake);
    pthread_mutex_unlock(&w->jobs->lock);
}

static enum err carry_out(struct worker *w)
{
    struct job_context ctx = {.job_id = w->record->id,
                              .actor = w->record->actor,
                              .command = w->command,
                              .slot = &w->slot_now,
                              .cancel = &w->cancel,
                              .store = w->jobs->config.store,
                              .accounts = w->jobs->config.accounts,
                              .keeper = w->jobs->config.keeper,
                              .data_dir = w->jobs->config.data_dir,
                              .result = w->result,
                              .worker = w};
    enum err e = load_command(w);
    if (e) return e;
    set_limit(w);
    ctx.until = w->until;
    e = worker_take_ports(w, &ctx);
    if (!e) e = w->jobs->config.run(&ctx);
    end_clean_up(w);
    if (w->step_open) e = job_step_end(&ctx, e);
    return e;
}

/* The step whose error became the job's: a runner may go on after a failed step to clean up, so the
 * last one is not always the one. */
static const char *guilty_step(const struct job_record *r)
{
    const char *first = "";
    for (size_t i = 0; i < r->step_count; i++) {
        const struct job_step *step = &r->steps[i];
        if (step->error.kind == ERR_OK) continue;
        if (strcmp(step->error.code, r->error.code) == 0) return step->name;
        if (!first[0]) first = step->name;
    }
    return first;
}

static enum job_state state_after(enum err e, enum stop_reason why)
{
    if (!e) return JOB_SUCCEEDED;
    if (why == STOP_SHUTDOWN) return JOB_INTERRUPTED;
    if (why == STOP_USER || (why == STOP_NONE && e == ERR_CANCELLED)) return JOB_CANCELLED;
    return JOB_FAILED;
}

/* How the job ended may say nothing of what it was about: a cancel, a time limit. */
static void tell_what_is_left(const char *leaves, struct err_info *error)
{
    size_t n = strlen(error->detail), room = sizeof error->detail - strlen(leaves) - 3;
    if (!leaves[0]) return;
    if (n > room) n = room;
    const char *stop = n && error->detail[n - 1] == '.' ? "" : ".";
    snprintf(error->detail + n, sizeof error->detail - n, "%s %s", stop, leaves);
}

static void conclude(struct worker *w, enum err e)
{
    struct job_record *r = w->record;
    struct err_info saved = *err_last();
    enum stop_reason why = e ? worker_stopped_by(w, e) : STOP_NONE;
    r->state = state_after(e, why);
    r->finished_ms = clock_now_ms();
    r->ahead_count = 0;
    if (!e) return;
    if (why) {
        worker_stop_error(why);
        r->error = *err_last();
        memcpy(r->error.device, saved.device, sizeof r->error.device);
    } else {
        r->error = saved;
        r->error.kind = e;
    }
    tell_what_is_left(w->leaves, &r->error);
    tell_what_is_left(w->leaves_at_cloud, &r->error);
    text_clean_error(&r->error);
    snprintf(r->error_step, sizeof r->error_step, "%s", guilty_step(r));
}

static void store_log(struct worker *w)
{
    struct buf text;
    buf_init(&text, LOG_MAX);
    enum err e = transcript_render(w->log, &text);
    if (!e && text.len)
        e = store_job_log_put(w->jobs->config.store, w->record->id, text.data, text.len);
    if (e) log_warn("transcript not stored", "code=%s", err_last()->code);
    buf_dispose(&text);
}

static void run_job(struct worker *w)
{
    struct job_record *r = w->record;
    log_context("", r->id);
    r->state = JOB_RUNNING;
    r->started_ms = clock_now_ms();
    if (worker_publish_surely(w)) {
        log_info("job started", "kind=%s slot=%s", r->kind, r->slot);
        w->result = json_object();
        conclude(w, w->result ? carry_out(w) : err_set(ERR_MEM, "out of memory"));
        worker_leave_ports(w);
        command_dispose(w->command);
        store_log(w);
        worker_publish_surely(w);
        json_decref(w->result);
        w->result = NULL;
        log_info("job ended", "state=%s code=%s step=%s", job_state_name(r->state), r->error.code,
                 r->error_step);
    }
    log_context("", "");
}

/* Make @p job the one that runs. Under the lock. @return false when there is no memory */
static bool take_job(struct worker *w, struct job *job)
{
    job_record_dispose(w->record);
    struct transcript *log = transcript_new();
    struct job_record *view = calloc(1, sizeof *view);
    if (!log || !view || job_snapshot(job, w->record)) {
        transcript_unref(log);
        free(view);
        return false;
    }
    job_record_copy(w->record, view); /* a queued job has no result: it does not fail */
    job->view = view;
    job->phase = PHASE_RUNNING;
    job->log = transcript_ref(log);
    w->log = log;
    w->job = job;
    w->why = STOP_NONE;
    w->until = job->until;
    w->at_until = STOP_DEADLINE;
    w->step_open = false;
    w->leaves[0] = w->leaves_at_cloud[0] = '\0';
    cancel_clear(&w->cancel);
    return true;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct jobs *j = w->jobs;
    /* 32 boards that are flashed at once have as many firmwares packed at once: those who ask, and
     * those who look on, need not wait for that. */
    thread_give_way();
    pthread_mutex_lock(&j->lock);
    while (!j->stopping) {
        struct job *job = queue_take(&w->queue, w->hold.state == HOLD_PAUSED);
        if (!job) {
            pthread_cond_wait(&w->work, &j->lock);
            continue;
        }
        bool taken = take_job(w, job);
        if (!taken) queue_push(&w->queue, job);
        pthread_mutex_unlock(&j->lock);
        if (taken) {
            run_job(w);
            transcript_unref(w->log);
            w->log = NULL;
        } else {
            worker_pause(j);
        }
        pthread_mutex_lock(&j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

enum err worker_start(struct worker *w)
{
    char name[sizeof w->slot + 2];
    snprintf(name, sizeof name, "w:%s", w->slot);
    enum err e = thread_start(&w->thread, name, worker_main, w);
    w->started = e == ERR_OK;
    return e;
}
