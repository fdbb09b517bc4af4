/* worker: one thread per slot; takes the slot's jobs one after the other. This header is what
 * the files of the engine share: jobs.c (start and end), recover.c, submit.c, unstarted.c, look.c,
 * worker*.c and context.c.
 *
 * Locks: `jobs.lock` guards everything that is marked so; it is never held while calling back or
 * doing I/O, and the only lock taken under it is none (a transcript has its own, taken alone). A
 * running job's record (worker.record) belongs to its worker's thread; readers get copies of
 * job.view, which the store's thread renews after each change was stored, before the event that
 * tells of it goes out. */
#ifndef SERVICE_JOBS_WORKER_H
#define SERVICE_JOBS_WORKER_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/cancel.h"
#include "service/jobs/context.h"
#include "service/jobs/job.h"
#include "service/jobs/jobs.h"
#include "service/jobs/ports.h"
#include "service/jobs/queue.h"
#include "service/jobs/transcript.h"
#include "service/port/hotplug.h"

enum {
    WORKER_TAPS = 4,
    WORKER_RETRY_MS = 500, /* after a change that could not be stored */
};

struct jobs {
    struct jobs_config config;
    struct port_source source;
    pthread_mutex_t holding; /* one change of a slot's hold at a time, stored and shown */
    pthread_t clock;
    bool clock_started;      /* by the thread that starts and stops */
    struct hotplug *hotplug; /* the same; NULL: not running */
    pthread_mutex_t lock;
    /* guarded by lock: */
    pthread_cond_t clock_wake; /* a time limit was set, a dependency failed, or stopping */
    /* a claim left, ports came or went, a job was told to stop, or stopping */
    pthread_cond_t ports_freed;
    uint64_t ports_generation; /* counts up whenever ports may have come or gone */
    pthread_cond_t halting;    /* stopping */
    bool stopping;
    struct job_table table;
    uint64_t numbers; /* given to jobs */
    size_t waiting;   /* jobs whose dependency is open */
    struct port_claims claims;
    struct worker *workers; /* grows only */
};

struct worker {
    struct jobs *jobs;
    char slot[64];
    pthread_t thread;
    bool started;
    struct worker *next;
    struct cancel cancel; /* raised under the lock, so that it meets the right job */
    /* guarded by jobs->lock: */
    pthread_cond_t work;
    struct queue queue;
    struct hold_record hold;
    const struct hold_record *hold_coming; /* is being stored; NULL: none */
    struct job *job;                       /* running */
    enum stop_reason why;
    bool cleaning; /* its end is decided: only that of espgate stops it now */
    struct deadline until;
    enum stop_reason at_until; /* what the end of that time means */
    struct port_claim claim;
    /* its own thread's: */
    struct job_record *record;
    struct command *command; /* locked in memory: it may hold a Wi-Fi password */
    struct transcript *log;
    struct slot_record slot_now;
    json_t *result;
    bool step_open;
    char leaves[256];          /* what a failure now would leave behind, as a sentence */
    char leaves_at_cloud[256]; /* the same */
    int64_t step_began_ns, stored_ns, told_ns;
    struct worker_tap {
        struct worker *worker;
        const char *label;
    } taps[WORKER_TAPS];
};

/* depend.c: all under the lock. */
/** Take note of what @p job depends on, when it is in memory; @p known, from the store, when it is
 * not. @return false when @p known is out of date: ask the store again */
bool depend_enter(struct jobs *j, struct job *job, enum job_state known);
/** It will not wait any more. */
void depend_leave(struct jobs *j, struct job *job);
/** @p job has ended: those that wait for it may run now, or never will. */
void depend_settle(struct jobs *j, const struct job *job, enum job_state ended);

/* unstarted.c */
/** End one queued job that can run no more. Under the lock, which is given up meanwhile.
 *  @param[in,out] next  when to look again
 *  @return false when there is none, or it cannot be stored now */
bool unstarted_end_one(struct jobs *j, struct deadline *next);

/* hold.c */
/** What the store has of held slots. Before any thread of jobs runs. */
enum err hold_recover(struct jobs *j);
/** A slot has changed in the store: if that is how it is held, show it. */
void hold_stored(struct jobs *j, const char *slot);

/* worker.c */
/** @return ERR_OK, ERR_MEM, ERR_IO */
enum err worker_new(struct jobs *jobs, const char *slot, struct worker **out);
enum err worker_start(struct worker *w);
/** Not while its thread runs. */
void worker_free(struct worker *w);
/** @return NULL when it has none. Under the lock. */
struct worker *worker_find(const struct jobs *j, const char *slot);
/** The slot's worker, made (not started) when there is none. Under the lock. @return ERR_OK,
 * ERR_MEM, ERR_IO */
enum err worker_for(struct jobs *j, const char *slot, struct worker **out);
/** Tell the running job to stop. Under the lock. */
void worker_stop_job(struct worker *w, enum stop_reason why);
/** From its own thread: begin to clean up, see job_clean_up(). @return false: espgate is ending */
bool worker_clean_up(struct worker *w);

/* worker_publish.c */
/** store_event_fn: show what was stored, then tell of it. @p arg is the struct jobs. */
void jobs_stored(const struct job_record *r, const struct event_record *event, void *arg);
/** Store the record of a job that is ours to change, and show it to readers; one that has ended
 * may be gone afterwards. Without the lock. */
enum err jobs_store(struct jobs *j, struct job *job, const struct job_record *r);
/** jobs_store() with the present record. On the worker's thread. */
enum err worker_publish(struct worker *w);
/** Show the progress of the present record to readers, without storing it. */
enum err worker_show(struct worker *w);
/** A change that must not be lost: a full disk holds the slot until there is room. @return false
 * when the service ended first: the next start finds the job as it was stored last */
bool worker_publish_surely(struct worker *w);
/** Wait a little before the store is tried again. @return true when the service ends */
bool worker_pause(struct jobs *j);

/** Why the running job was told to stop. */
enum stop_reason worker_why(struct worker *w);
/** If @p e (whose error is this thread's last) says that the job was stopped, by whom. */
enum stop_reason worker_stopped_by(struct worker *w, enum err e);
/** Make @p why the error of this thread. @return ERR_CANCELLED, ERR_TIMEOUT */
enum err worker_stop_error(enum stop_reason why);

/* worker_ports.c */
/** Own the ports of the slot, for the whole job; waits for those that are not there yet. As a step
 * "ports" when there is something to wait for. @return ERR_OK; ERR_NOT_FOUND with code
 * port_not_found or slot_not_found; ERR_ARG as slot_serves(); ERR_CANCELLED, ERR_TIMEOUT */
enum err worker_take_ports(struct worker *w, struct job_context *ctx);
void worker_leave_ports(struct worker *w);
#endif
