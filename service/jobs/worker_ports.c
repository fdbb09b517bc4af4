/* worker_ports: how a job comes to own the ports of its slot. A port that is not there may be on
 * its way: an adapter that was just plugged in, a board that enumerates again. So a job waits a
 * while, woken by jobs_ports_changed(); at the end of the wait it looks once more, since not every
 * port announces itself. */
#include <stdlib.h>

#include "service/base/thread.h"
#include "service/jobs/worker.h"

enum { PORT_WAIT_MS = 10000, DEPARTURE_MS = 1000 };

void jobs_ports_changed(struct jobs *j)
{
    pthread_mutex_lock(&j->lock);
    j->ports_generation++;
    pthread_cond_broadcast(&j->ports_freed);
    pthread_mutex_unlock(&j->lock);
}

static struct deadline arrival_time(const struct worker *w)
{
    int ms = w->jobs->config.port_wait_ms;
    return deadline_in_ms(ms ? ms : PORT_WAIT_MS);
}

static uint64_t generation(struct worker *w)
{
    pthread_mutex_lock(&w->jobs->lock);
    uint64_t now = w->jobs->ports_generation;
    pthread_mutex_unlock(&w->jobs->lock);
    return now;
}

/* Until the host's ports are others than at @p seen, the time is over, or the job is told to stop.
 * @return the present generation */
static uint64_t await_change(struct worker *w, uint64_t seen, struct deadline until)
{
    struct jobs *j = w->jobs;
    pthread_mutex_lock(&j->lock);
    while (j->ports_generation == seen && w->why == STOP_NONE && !deadline_passed(until))
        thread_wait_until(&j->ports_freed, &j->lock, until);
    seen = j->ports_generation;
    pthread_mutex_unlock(&j->lock);
    return seen;
}

/* Where the slot's ports are now.
 * @param[out] away_out  a port is not there; an implicit slot goes and comes with its port */
static enum err find_ports(struct worker *w, struct port_claim *claim, bool *away_out)
{
    struct port_list ports;
    enum err e = ports_look(&w->jobs->source, &ports);
    if (!e) e = slot_find(&w->jobs->source, &ports, w->record->slot, &w->slot_now);
    *away_out = e == ERR_NOT_FOUND && !enumerate_match(&ports, w->record->slot);
    if (!e) e = slot_serves(&w->slot_now, w->command);
    if (!e) e = slot_resolve(&ports, &w->slot_now, claim);
    if (err_is(e, "port_not_found")) *away_out = true;
    free(ports.items);
    return e;
}

static enum err await_ports(struct worker *w, struct deadline until, struct port_claim *claim)
{
    uint64_t seen = generation(w);
    for (;;) {
        bool away, last = deadline_passed(until);
        enum err e = find_ports(w, claim, &away);
        if (!away || last) return e;
        seen = await_change(w, seen, until);
        enum stop_reason why = worker_why(w);
        if (why) return worker_stop_error(why);
    }
}

static void enter_claim(struct worker *w, const struct port_claim *claim)
{
    pthread_mutex_lock(&w->jobs->lock);
    w->claim = *claim;
    claims_enter(&w->jobs->claims, &w->claim);
    pthread_mutex_unlock(&w->jobs->lock);
}

void worker_leave_ports(struct worker *w)
{
    pthread_mutex_lock(&w->jobs->lock);
    claims_leave(&w->jobs->claims, &w->claim);
    w->claim.count = 0;
    pthread_cond_broadcast(&w->jobs->ports_freed);
    pthread_mutex_unlock(&w->jobs->lock);
}

/* @param wait  false: only try. @return whether the ports are ours now */
static bool own_ports(struct worker *w, bool wait)
{
    struct jobs *j = w->jobs;
    pthread_mutex_lock(&j->lock);
    while (wait && !claims_granted(&j->claims, &w->claim) && w->why == STOP_NONE)
        pthread_cond_wait(&j->ports_freed, &j->lock);
    bool granted = claims_granted(&j->claims, &w->claim);
    pthread_mutex_unlock(&j->lock);
    return granted;
}

static enum err claim_ports(struct worker *w, const struct port_claim *claim)
{
    enter_claim(w, claim);
    return own_ports(w, true) ? ERR_OK : worker_stop_error(worker_why(w));
}

/* "ports" is a step only when there is something to tell: they are not there, or another slot's job
 * has them. */
enum err worker_take_ports(struct worker *w, struct job_context *ctx)
{
    struct port_claim claim;
    bool away;
    enum err e = find_ports(w, &claim, &away);
    if (!e) enter_claim(w, &claim);
    if (!e && own_ports(w, false)) return ERR_OK;
    struct err_info saved = *err_last();
    enum err begun = job_step_begin(ctx, "ports");
    if (begun) return begun;
    if (!e) return job_step_end(ctx, own_ports(w, true) ? ERR_OK : job_why_cancelled(ctx));
    if (!away) return job_step_end(ctx, err_restore(&saved));
    e = await_ports(w, arrival_time(w), &claim);
    return job_step_end(ctx, e ? e : claim_ports(w, &claim));
}

/* What went away may still be seen for a moment. */
enum err job_retake_ports(struct job_context *ctx)
{
    struct worker *w = ctx->worker;
    struct port_claim claim;
    struct deadline until = arrival_time(w);
    worker_leave_ports(w);
    await_change(w, generation(w), deadline_within_ms(until, DEPARTURE_MS));
    enum err e = await_ports(w, until, &claim);
    return e ? e : claim_ports(w, &claim);
}
