#include "service/jobs/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"
#include "service/base/thread.h"
#include "service/jobs/recover.h"
#include "service/jobs/worker.h"

/* Raise what is over; @return when the next limit ends. Under the lock. */
static struct deadline watch_limits(struct jobs *j)
{
    struct deadline next = deadline_never();
    for (struct worker *w = j->workers; w; w = w->next) {
        if (!w->job || w->why != STOP_NONE) continue;
        if (deadline_passed(w->until))
            worker_stop_job(w, w->at_until);
        else
            next = deadline_min(next, w->until);
    }
    return next;
}

static void *clock_main(void *arg)
{
    struct jobs *j = arg;
    pthread_mutex_lock(&j->lock);
    while (!j->stopping) {
        struct deadline next = watch_limits(j);
        if (!unstarted_end_one(j, &next)) thread_wait_until(&j->clock_wake, &j->lock, next);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static void ports_changed(bool others, void *jobs)
{
    const struct jobs *j = jobs;
    struct event_record event;
    jobs_ports_changed(jobs);
    if (!others) return;
    enum err e = event_of_bench("ports.changed", "", "ports", &event);
    if (!e) e = store_event_add(j->config.store, &event);
    if (e) log_warn("event not stored", "type=ports.changed code=%s", err_last()->code);
    event_record_dispose(&event);
}

static enum err start_threads(struct jobs *j)
{
    enum err e = thread_start(&j->clock, "jobs-clock", clock_main, j);
    j->clock_started = e == ERR_OK;
    if (!e)
        e = hotplug_start(j->config.port_globs, j->config.port_glob_count, ports_changed, j,
                          &j->hotplug);
    for (struct worker *w = j->workers; !e && w; w = w->next)
        e = worker_start(w);
    return e;
}

enum err jobs_start(const struct jobs_config *cfg, struct jobs **out)
{
    *out = NULL;
    struct jobs *j = calloc(1, sizeof *j);
    if (!j) return err_set(ERR_MEM, "out of memory");
    j->config = *cfg;
    j->source = (struct port_source){cfg->store, cfg->port_globs, cfg->port_glob_count};
    pthread_mutex_init(&j->lock, NULL);
    pthread_mutex_init(&j->holding, NULL);
    thread_cond_init(&j->clock_wake);
    thread_cond_init(&j->ports_freed);
    thread_cond_init(&j->halting);
    enum err e = hold_recover(j);
    if (!e) e = recover_queue(j);
    /* Before any thread can call back: what it calls may want it. */
    if (!e) *out = j;
    if (!e) store_listen(j->config.store, jobs_stored, j);
    if (!e) e = start_threads(j);
    if (!e) return ERR_OK;
    struct err_info saved = *err_last();
    *out = NULL;
    jobs_stop(j);
    return err_restore(&saved);
}

void jobs_halt(struct jobs *j)
{
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    for (struct worker *w = j->workers; w; w = w->next) {
        worker_stop_job(w, STOP_SHUTDOWN);
        pthread_cond_broadcast(&w->work);
    }
    pthread_cond_broadcast(&j->clock_wake);
    pthread_cond_broadcast(&j->ports_freed);
    pthread_cond_broadcast(&j->halting);
    struct worker *first = j->workers; /* grows no more */
    pthread_mutex_unlock(&j->lock);
    for (struct worker *w = first; w; w = w->next) {
        if (w->started) pthread_join(w->thread, NULL);
        w->started = false;
    }
    if (j->clock_started) pthread_join(j->clock, NULL);
    j->clock_started = false;
    hotplug_stop(j->hotplug);
    j->hotplug = NULL;
}

void jobs_stop(struct jobs *j)
{
    if (!j) return;
    jobs_halt(j);
    store_listen(j->config.store, NULL, NULL);
    table_dispose(&j->table);
    while (j->workers) {
        struct worker *w = j->workers;
        j->workers = w->next;
        worker_free(w);
    }
    pthread_cond_destroy(&j->clock_wake);
    pthread_cond_destroy(&j->ports_freed);
    pthread_cond_destroy(&j->halting);
    pthread_mutex_destroy(&j->holding);
    pthread_mutex_destroy(&j->lock);
    free(j);
}
