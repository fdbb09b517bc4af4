/* context: what a running job may use, and how it reports. Given by the worker to the runner
 * (run.h); one thread. */
#ifndef SERVICE_JOBS_CONTEXT_H
#define SERVICE_JOBS_CONTEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/jobs/command.h"
#include "service/port/port.h"
#include "service/store/store.h"

struct accounts;
struct keeper;

struct job_context {
    const char *job_id, *actor; /* actor: who asked for it */
    struct command *command;    /* its steps fill in what was left to the cloud */
    const struct slot_record
        *slot;             /* ports are resolved paths, both locked for this job while it runs */
    struct cancel *cancel; /* raised by a cancel, by the time limit and by the end of the service */
    struct deadline until; /* the job's time limit */
    struct store *store;
    struct accounts *accounts;
    struct keeper *keeper;
    const char *data_dir;
    json_t *result; /* object; steps add to it; stored with the job */
    void *worker;   /* for the functions below */
};

/** A step begins; its name is a fixed word ("identify", "write" …). Steps do not nest.
 *  @return ERR_OK; ERR_CANCELLED with code cancelled, job_timeout or shutting_down: do not begin */
enum err job_step_begin(struct job_context *ctx, const char *name);
/** It ended. With @p e the error of this thread (err_last()) becomes the step's. @return @p e */
enum err job_step_end(struct job_context *ctx, enum err e);
/** There is no need for the step that has begun: it will end as skipped, with the reason as its
 * error's detail (kind ERR_OK). */
void job_step_skip(struct job_context *ctx, const char *why);
/** The steps that are still to come, as far as is known; shown from the next step's beginning on.
 * @param names  fixed words, at most LIMIT_JOB_STEPS; NULL with @p n 0 */
void job_steps_ahead(struct job_context *ctx, const char *const *names, size_t n);
/** Seen at once by readers, stored at most once a second. */
void job_progress(struct job_context *ctx, uint64_t done, uint64_t total, const char *unit);
/** Keep what passes on a port in the job's transcript, from now until the port is closed. @param
 * label  "download" or "at" */
void job_transcribe(struct job_context *ctx, struct port *port, const char *label);
/** A line of ours in the transcript. */
void job_note(struct job_context *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Why ctx->cancel was raised, as the error of this thread. @return ERR_CANCELLED, or ERR_TIMEOUT
 * with code job_timeout */
enum err job_why_cancelled(struct job_context *ctx);
/** What would be left behind if the job ended now, as a sentence: it is added to the detail of its
 * error, however it ends. "" = nothing. */
void job_leaves(struct job_context *ctx, const char *sentence);
/** The same, at the cloud. */
void job_leaves_at_cloud(struct job_context *ctx, const char *sentence);
/** The job has made itself a credential, or was given that of an earlier one: its record names it
 * from the next step on. */
void job_has_credential(struct job_context *ctx, const char *credential);
/** What follows cleans up after a job that failed: its time limit and who cancels it have said
 * their word, ctx->cancel is raised only by the end of espgate from now on.
 *  @return ERR_OK; ERR_CANCELLED with code shutting_down: there is no time for it */
enum err job_clean_up(struct job_context *ctx);
/** A port of the slot went away, and this thread has closed all of them: wait until they are there
 * again, as at the job's beginning; ctx->slot names their present paths. @return ERR_OK;
 * ERR_NOT_FOUND with code port_not_found; ERR_CANCELLED, ERR_TIMEOUT */
enum err job_retake_ports(struct job_context *ctx);

/** Carry out the command. The job ends succeeded with ERR_OK, cancelled with ERR_CANCELLED, else
 * failed. */
typedef enum err (*job_run_fn)(struct job_context *ctx);
#endif
