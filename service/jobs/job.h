/* job: the jobs that live in memory: all that are queued or running, and the last that ended, so
 * that reading a live job costs no SQL. Used under the lock of jobs. */
#ifndef SERVICE_JOBS_JOB_H
#define SERVICE_JOBS_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/store/store.h"

enum { JOB_BUCKETS = 256, JOB_ENDED_KEPT = 64 };

struct shared_text;
struct transcript;
struct worker;

enum job_phase {
    PHASE_ARRIVING, /* being stored; nobody has its id yet */
    PHASE_QUEUED,
    PHASE_RUNNING,
    PHASE_LEAVING, /* was queued; that it ends without having run is being stored */
    PHASE_ENDED
};

/** Why a job was told to stop, or not to begin; the first reason stays. */
enum stop_reason {
    STOP_NONE,
    STOP_USER,
    STOP_TIMEOUT,    /* its own time is over */
    STOP_DEADLINE,   /* so is the time by which it must have ended */
    STOP_DEPENDENCY, /* what it waited for did not succeed; only before it began */
    STOP_SHUTDOWN
};

/** Has the job that this one depends on succeeded? */
enum dependency { DEPENDENCY_MET, DEPENDENCY_OPEN, DEPENDENCY_FAILED };

struct job {
    char id[ID_TEXT], kind[16], slot[64], credential[ID_TEXT], firmware[ID_TEXT], retry_of[ID_TEXT];
    int32_t priority;
    char depends_on[ID_TEXT], actor[64], token[ID_TEXT];
    int64_t created_ms, deadline_ms;
    struct deadline until; /* the same of the clock that does not jump */
    enum dependency dependency;
    uint64_t number; /* in the order of acceptance */
    enum job_phase phase;
    struct job_record *view;   /* what readers see; NULL until it runs: a record is large */
    struct job_record *coming; /* is being stored; readers see it once it is */
    struct shared_text *text;  /* the same as readers get it; NULL until one asks */
    uint64_t shown;            /* how often what readers see has changed */
    struct transcript *log;    /* while it runs */
    struct worker *worker;     /* its slot's */
    struct job *next;          /* in its queue, or among the ended */
    struct job *chain;         /* in its bucket */
};

struct job_table {
    struct job *buckets[JOB_BUCKETS];
    struct job *ended_first, *ended_last;
    size_t ended;
};

/** @return ERR_OK, ERR_MEM */
enum err job_new(const struct job_record *r, struct job **out);
void job_free(struct job *job);
/** The present record. *out is empty on error. @return ERR_OK, ERR_MEM */
enum err job_snapshot(const struct job *job, struct job_record *out);
/** What readers will see once it is stored. @param copy  taken; a former one could not be stored */
void job_prepare(struct job *job, struct job_record *copy);
/** What was prepared is what readers see from now on. */
void job_show(struct job *job);

void table_add(struct job_table *t, struct job *job);
/** @return NULL when it is not in memory */
struct job *table_find(const struct job_table *t, const char *id);
/** Take it out; the caller frees it. */
void table_remove(struct job_table *t, const struct job *job);
/** It ended: keep it for a while; the oldest beyond JOB_ENDED_KEPT is freed. */
void table_end(struct job_table *t, struct job *job);
/** Free all. */
void table_dispose(struct job_table *t);
#endif
