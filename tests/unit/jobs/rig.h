/* rig: the jobs engine on a store of its own, with ports and a runner that the test controls. The
 * first AT line of a command is the runner's script. */
#ifndef TESTS_UNIT_JOBS_RIG_H
#define TESTS_UNIT_JOBS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "service/base/thread.h"
#include "service/jobs/jobs.h"
#include "service/port/enumerate.h"
#include "tests/unit/store/folder.h"

enum { RIG_EVENTS = 4096, RIG_PATIENCE_MS = 60 * 1000 };

struct rig {
    struct folder folder;
    struct store *store;
    struct jobs *jobs;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t news;
    struct rig_event {
        char id[ID_TEXT];
        enum job_state state;
        size_t steps;
        enum step_state last;
        uint64_t progress;
    } events[RIG_EVENTS];
    size_t event_count;
    int inside;              /* runners at the gate now */
    int tickets;             /* how many may pass it */
    char order[64][ID_TEXT]; /* jobs in the order in which they ran */
    size_t ran;
    const char *gone_port; /* unplugged */
    int port_wait_ms;      /* set before rig_open(); 0 = as in service */
    bool renumbered;       /* plugged in anew: each port is another device now */
};

static struct rig *rig_now; /* the fakes below have no argument for it */

static const struct {
    const char *name, *path, *device;
} rig_ports[] = {
    {"p1", "/rig/by-id/p1", "/rig/p1"}, {"p2", "/rig/by-id/p2", "/rig/p2"},
    {"p3", "/rig/by-id/p3", "/rig/p3"}, {"p4", "/rig/by-id/p4", "/rig/p4"},
    {"p5", "/rig/by-id/p5", "/rig/p5"},
};

/* The host's ports, instead of service/port/enumerate.c. */
enum err enumerate_ports(const char *const *globs, size_t glob_count, struct port_list *out)
{
    (void)globs, (void)glob_count;
    enum { PORTS = sizeof rig_ports / sizeof *rig_ports };
    *out = (struct port_list){.items = calloc(PORTS, sizeof *out->items)};
    if (!out->items) return err_set(ERR_MEM, "out of memory");
    pthread_mutex_lock(&rig_now->lock);
    const char *gone = rig_now->gone_port, *as = rig_now->renumbered ? "again" : "";
    pthread_mutex_unlock(&rig_now->lock);
    for (size_t i = 0; i < PORTS; i++) {
        if (gone && strcmp(gone, rig_ports[i].name) == 0) continue;
        struct port_info *p = &out->items[out->count++];
        snprintf(p->name, sizeof p->name, "%s", rig_ports[i].name);
        snprintf(p->path, sizeof p->path, "%s", rig_ports[i].path);
        snprintf(p->device, sizeof p->device, "%s%s", rig_ports[i].device, as);
        snprintf(p->id, sizeof p->id, "id-of-%s", rig_ports[i].name);
    }
    return ERR_OK;
}

static inline void rig_changed(const struct job_record *r, const struct event_record *event,
                               void *arg)
{
    struct rig *rig = arg;
    (void)event;
    if (!r) return;
    pthread_mutex_lock(&rig->lock);
    if (rig->event_count < RIG_EVENTS) {
        struct rig_event *e = &rig->events[rig->event_count++];
        memcpy(e->id, r->id, sizeof e->id);
        e->state = r->state;
        e->steps = r->step_count;
        e->last = r->step_count ? r->steps[r->step_count - 1].state : STEP_RUNNING;
        e->progress = r->progress_done;
    }
    pthread_cond_broadcast(&rig->news);
    pthread_mutex_unlock(&rig->lock);
}

/* Wait at the gate until a ticket is there. */
static inline void rig_pass_gate(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    rig->inside++;
    pthread_cond_broadcast(&rig->news);
    while (!rig->tickets)
        pthread_cond_wait(&rig->news, &rig->lock);
    rig->tickets--;
    rig->inside--;
    pthread_mutex_unlock(&rig->lock);
}

static inline void rig_open_gate(struct rig *rig, int tickets)
{
    pthread_mutex_lock(&rig->lock);
    rig->tickets += tickets;
    pthread_cond_broadcast(&rig->news);
    pthread_mutex_unlock(&rig->lock);
}

static inline void rig_unplug(struct rig *rig, const char *port)
{
    pthread_mutex_lock(&rig->lock);
    rig->gone_port = port;
    pthread_mutex_unlock(&rig->lock);
}

static inline void rig_wait_inside(struct rig *rig, int count)
{
    struct deadline until = deadline_in_ms(RIG_PATIENCE_MS);
    pthread_mutex_lock(&rig->lock);
    while (rig->inside < count && !deadline_passed(until))
        thread_wait_until(&rig->news, &rig->lock, until);
    int inside = rig->inside;
    pthread_mutex_unlock(&rig->lock);
    assert_int_equal(inside, count);
}

static inline size_t rig_count(struct rig *rig, const char *id, enum job_state state, size_t steps)
{
    size_t n = 0;
    for (size_t i = 0; i < rig->event_count; i++)
        n += strcmp(rig->events[i].id, id) == 0 && rig->events[i].state == state &&
             rig->events[i].steps >= steps;
    return n;
}

/* Until it was announced that the job is in this state (with so many steps). */
static inline void rig_wait(struct rig *rig, const char *id, enum job_state state, size_t steps)
{
    struct deadline until = deadline_in_ms(RIG_PATIENCE_MS);
    pthread_mutex_lock(&rig->lock);
    while (!rig_count(rig, id, state, steps) && !deadline_passed(until))
        thread_wait_until(&rig->news, &rig->lock, until);
    size_t seen = rig_count(rig, id, state, steps);
    pthread_mutex_unlock(&rig->lock);
    if (!seen) fail_msg("%s never became %s", id, job_state_name(state));
}

static inline enum err rig_fail(void)
{
    err_fail(ERR_DEVICE, "at_error", "Look at the board.", "the board said no");
    return err_device(ERR_DEVICE, "ERROR\r\n", 7);
}

/* A step that fails and one that cleans up after it. */
static inline enum err rig_clean_up(struct job_context *ctx)
{
    enum err e = job_step_begin(ctx, "write");
    if (e) return e;
    e = job_step_end(ctx, rig_fail());
    struct err_info saved = *err_last();
    if (job_step_begin(ctx, "verify") == ERR_OK) {
        job_step_skip(ctx, "nothing was written");
        job_step_end(ctx, ERR_OK);
    }
    if (job_step_begin(ctx, "reset") == ERR_OK) job_step_end(ctx, ERR_OK);
    return e ? err_restore(&saved) : ERR_OK;
}

/* It fails, or is stopped, and then takes back what it had done elsewhere. */
static inline enum err rig_take_back(struct job_context *ctx, bool blocks)
{
    enum err e = job_step_begin(ctx, "write");
    if (e) return e;
    job_has_credential(ctx, "cred_made");
    e = job_step_end(ctx, blocks ? cancel_wait(ctx->cancel, deadline_never()) : rig_fail());
    struct err_info saved = *err_last();
    rig_pass_gate(rig_now);
    enum err cleans = job_clean_up(ctx);
    if (!cleans) cleans = job_step_begin(ctx, "undo");
    if (cleans) {
        job_leaves_at_cloud(ctx, "All is left.");
        return err_restore(&saved);
    }
    rig_pass_gate(rig_now);
    if (job_step_end(ctx, cancel_wait(ctx->cancel, deadline_in_ms(0)) == ERR_CANCELLED
                              ? err_set(ERR_CANCELLED, "cancelled")
                              : ERR_OK))
        job_leaves_at_cloud(ctx, "A part is left.");
    return e ? err_restore(&saved) : ERR_OK;
}

static inline enum err rig_step(struct job_context *ctx, const char *script)
{
    if (strcmp(script, "fail") == 0) return rig_fail();
    if (strcmp(script, "gate") == 0) rig_pass_gate(rig_now);
    if (strcmp(script, "replug") == 0) {
        rig_pass_gate(rig_now);
        return job_retake_ports(ctx);
    }
    if (strcmp(script, "block") == 0) return cancel_wait(ctx->cancel, deadline_never());
    /* What a port read says when its deadline is the job's. */
    if (strcmp(script, "late") == 0) {
        struct cancel never;
        assert_int_equal(cancel_init(&never), ERR_OK);
        cancel_wait(&never, ctx->until);
        cancel_dispose(&never);
        err_set(ERR_TIMEOUT, "no answer");
        return err_device(ERR_TIMEOUT, "boot:0x13", 9);
    }
    return ERR_OK;
}

static inline enum err rig_run(struct job_context *ctx)
{
    const char *script = ctx->command->at_lines[0];
    pthread_mutex_lock(&rig_now->lock);
    if (rig_now->ran < 64) memcpy(rig_now->order[rig_now->ran++], ctx->job_id, ID_TEXT);
    pthread_mutex_unlock(&rig_now->lock);
    if (strcmp(script, "cleanup") == 0) return rig_clean_up(ctx);
    if (strncmp(script, "take back", 9) == 0) return rig_take_back(ctx, script[9] != '\0');
    enum err e = job_step_begin(ctx, "work");
    if (e) return e;
    e = rig_step(ctx, script);
    json_object_set_new(ctx->result, "script", json_string(script));
    if (strcmp(script, "open") == 0) return ERR_OK; /* forgets to end it */
    return job_step_end(ctx, e);
}

static inline void rig_start_with(struct rig *rig, job_run_fn run)
{
    const struct jobs_config config = {.run = run,
                                       .changed = rig_changed,
                                       .changed_arg = rig,
                                       .store = rig->store,
                                       .port_wait_ms = rig->port_wait_ms};
    assert_int_equal(jobs_start(&config, &rig->jobs), ERR_OK);
}

static inline void rig_open(struct rig *rig)
{
    assert_int_equal(store_open(rig->folder.path, &rig->store), ERR_OK);
    rig_start_with(rig, rig_run);
}

static inline void rig_close(struct rig *rig)
{
    jobs_stop(rig->jobs);
    store_close(rig->store);
    rig->jobs = NULL;
    rig->store = NULL;
}

static inline int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    if (!rig || folder_make(&rig->folder)) return -1;
    pthread_mutex_init(&rig->lock, NULL);
    thread_cond_init(&rig->news);
    rig_now = rig;
    *state = rig;
    return 0;
}

static inline int rig_setup_open(void **state)
{
    if (rig_setup(state)) return -1;
    rig_open(*state);
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_open_gate(rig, 1000000); /* a test that failed may have left runners there */
    rig_close(rig);
    folder_remove(&rig->folder);
    pthread_cond_destroy(&rig->news);
    pthread_mutex_destroy(&rig->lock);
    free(rig);
    rig_now = NULL;
    return 0;
}

static inline enum err rig_try(struct rig *rig, const char *body, struct job_record *out)
{
    static _Thread_local struct command c;
    struct field_errors errors;
    assert_int_equal(command_parse(body, strlen(body), &c, &errors), ERR_OK);
    enum err e =
        jobs_submit(rig->jobs, &(struct job_order){.command = &c, .body = body}, &errors, out);
    command_dispose(&c);
    return e;
}

static inline void rig_submit_for(struct rig *rig, const char *slot, const char *script,
                                  int timeout_s, char id[ID_TEXT])
{
    char body[256];
    static _Thread_local struct job_record r;
    snprintf(body, sizeof body,
             "{\"kind\":\"at\",\"slot\":\"%s\",\"lines\":[\"%s\"],\"timeout\":%d}", slot, script,
             timeout_s);
    enum err e = rig_try(rig, body, &r);
    if (e) fail_msg("%s: %s", err_last()->code, err_last()->detail);
    assert_int_equal(r.state, JOB_QUEUED);
    memcpy(id, r.id, ID_TEXT);
}

static inline void rig_submit(struct rig *rig, const char *slot, const char *script,
                              char id[ID_TEXT])
{
    rig_submit_for(rig, slot, script, 600, id);
}

/* From the store itself: what a crash would leave. */
static inline enum job_state rig_stored(struct rig *rig, const char *id)
{
    static _Thread_local struct job_record r;
    assert_int_equal(store_job_get(rig->store, id, &r), ERR_OK);
    enum job_state s = r.state;
    job_record_dispose(&r);
    return s;
}

static inline void rig_put_slot(struct rig *rig, const char *name, const char *download,
                                const char *at)
{
    struct slot_record slot = {.reset = "auto",
                               .download_baud = 115200,
                               .flash_baud = 115200,
                               .at_baud = 115200,
                               .changed_ms = 1};
    snprintf(slot.name, sizeof slot.name, "%s", name);
    snprintf(slot.download_port, sizeof slot.download_port, "%s", download);
    snprintf(slot.at_port, sizeof slot.at_port, "%s", at);
    assert_int_equal(store_slot_put(rig->store, &slot), ERR_OK);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup_open, rig_teardown)
#endif
