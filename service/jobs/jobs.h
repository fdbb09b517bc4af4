/* jobs: queues, workers and the record of jobs. A job is on the disk before it is acknowledged;
 * each slot has one queue, in the order of priority and then of acceptance, and one worker (started
 * at its first job); a job owns both ports of its slot for its whole time, and two slots that share
 * a port wait for each other. */
#ifndef SERVICE_JOBS_JOBS_H
#define SERVICE_JOBS_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"
#include "service/base/shared_text.h"
#include "service/jobs/command.h"
#include "service/jobs/context.h"
#include "service/port/enumerate.h"
#include "service/store/store.h"

struct jobs; /* opaque, thread-safe */

/** As store_event_fn: readers see the change that the event tells of. Besides what is stored it is
 * told of job.progress, on the worker's thread and at most twice a second for a job. */
typedef store_event_fn jobs_changed_fn;

struct accounts;
struct keeper;

struct jobs_config {
    struct store *store;           /* borrowed */
    struct accounts *accounts;     /* borrowed; NULL: no job may name a cloud */
    struct keeper *keeper;         /* the same */
    const char *data_dir;          /* borrowed: the shelf of firmwares */
    const char *const *port_globs; /* borrowed; --ports */
    size_t port_glob_count;
    int port_wait_ms;        /* how long a job waits for a port that is not there; 0 = 10 000 */
    job_run_fn run;          /* run_command, or a test's own */
    jobs_changed_fn changed; /* NULL allowed */
    void *changed_arg;
};

/** Recover what a former process left (running → interrupted, and their boards are reset before
 * anything else runs on their slots; queued ones run on) and start.
 * @return ERR_OK, ERR_IO, ERR_MEM */
enum err jobs_start(const struct jobs_config *cfg, struct jobs **out);
/** Take no more jobs, cancel the running ones (they become interrupted, their boards reset and
 * running), join. Queued ones stay queued for the next start. Reading goes on to work, so that HTTP
 * can answer to the last. NULL allowed; a second call does nothing. */
void jobs_halt(struct jobs *j);
/** jobs_halt(), then free; nobody may use @p j any more. NULL allowed. */
void jobs_stop(struct jobs *j);

/** What is asked for, and by whom. */
struct job_order {
    const struct command *command;
    const char *body;                      /* the JSON that the command was parsed from */
    const char *actor, *token;             /* as in the record; NULL = "" */
    const char *idempotency, *body_sha256; /* the same */
};
/** Store and queue.
 *  @param errors  empty; fields that name something of a kind that does not fit
 *  @return ERR_OK with the queued record; ERR_NOT_FOUND with code slot_not_found,
 * credential_not_found, firmware_not_found, image_not_found, cloud_not_found, authority_not_found
 * or job_not_found (depends_on); ERR_BUSY with code queue_full; ERR_CONFLICT with code
 * slot_draining or shutting_down; ERR_ARG with code bad_body, slot_has_no_at_port,
 * slot_has_no_download_port; ERR_IO. Release @p out with job_record_dispose() */
enum err jobs_submit(struct jobs *j, const struct job_order *o, struct field_errors *errors,
                     struct job_record *out);
/** A new job with the command of an ended one. @param by  without command and body
 *  @return as jobs_submit; ERR_CONFLICT with code job_not_ended */
enum err jobs_retry(struct jobs *j, const char *id, const struct job_order *by,
                    struct job_record *out);
/** Present state, live progress included. @return ERR_OK, ERR_NOT_FOUND with code job_not_found,
 * ERR_MEM */
enum err jobs_get(struct jobs *j, const char *id, struct job_record *out);
/** The same of many: as store_job_list(), which takes and gives the rest. */
enum err jobs_list(struct jobs *j, const struct job_filter *filter, struct store_page *page,
                   struct job_record **list_out, size_t *n_out);
/** Makes a text of a record. @return NULL: out of memory */
typedef struct shared_text *(*job_render_fn)(const struct job_record *job);
/** The same as text, made once for all who ask before it changes.
 *  @param render  always the same
 *  @param[out] out  held once for the caller  @param[out] ended_out  is the job over?
 *  @return as jobs_get() */
enum err jobs_text(struct jobs *j, const char *id, job_render_fn render, struct shared_text **out,
                   bool *ended_out);
/** Queued: ends now. Running: told to stop; it ends when its board is reset. @return ERR_OK,
 * ERR_NOT_FOUND, ERR_CONFLICT with code job_ended */
enum err jobs_cancel(struct jobs *j, const char *id, struct job_record *out);
/** JSON lines of the serial transcript: {"ms","dir":"host"|"board","port":"at"|"download","hex"} or
 * {"ms","note"}; secrets as
 *  {"secret":<length>}. Live while it runs. */
enum err jobs_log(struct jobs *j, const char *id, struct buf *out);

/** Ports of the host came or went: jobs that wait for theirs look again. On any thread. */
void jobs_ports_changed(struct jobs *j);

/** PAUSED: no job begins, the running one goes on. DRAINING: no job is taken on, those that are
 * there run. NONE: as ever. The last word counts, also over a restart; the same again changes
 * nothing. What brings a board back after a crash runs none the less.
 *  @param actor  who says so  @return ERR_OK; ERR_NOT_FOUND with code slot_not_found; ERR_IO */
enum err jobs_hold(struct jobs *j, const char *slot, enum slot_hold hold, const char *actor);

enum slot_state { SLOT_IDLE, SLOT_BUSY, SLOT_ABSENT };
struct slot_status {
    enum slot_state state; /* ABSENT: a port of it is not there now */
    char job[ID_TEXT];     /* running; "" = none */
    size_t queued;
    struct hold_record hold;
    bool drained; /* it is draining, and no job of it is left */
};
/** What the slots that have had a job since the start, or are held, do now. Release with free().
 *  @return ERR_OK, ERR_MEM */
struct slot_load {
    char slot[64];
    size_t queued;
    bool running;
    enum slot_hold hold;
};
enum err jobs_loads(struct jobs *j, struct slot_load **out, size_t *n_out);
/** How many jobs of each kind live now. */
struct jobs_census {
    size_t queued[COMMAND_KINDS], running[COMMAND_KINDS];
};
void jobs_count(struct jobs *j, struct jobs_census *out);

/** A stored slot, or the implicit one of a port of that name.
 *  @param ports  the host's ports, as the caller has just looked at them; NULL = look now
 *  @return ERR_OK, ERR_NOT_FOUND with code slot_not_found; ERR_IO, ERR_MEM */
enum err jobs_slot(struct jobs *j, const struct port_list *ports, const char *name,
                   struct slot_record *slot_out, struct slot_status *status_out);
#endif
