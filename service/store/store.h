/* store: everything that was acknowledged, kept over kill -9 and power loss. The interface carries
 * no SQL, so that another backend can stand beside SQLite. Thread-safe: one writer thread commits
 * in groups, readers have their own connections. A writing call returns when its change is on the
 * disk. Strings that a getter fills are the caller's. */
#ifndef SERVICE_STORE_STORE_H
#define SERVICE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/base/limits.h"

struct store; /* opaque */

/** Open or make DIR/espgate.db and the vault beside it; migrate an older one.
 *  @return ERR_OK; ERR_IO with code store_open, store_newer (made by a newer espgate), vault_key */
enum err store_open(const char *dir, struct store **out);
void store_close(struct store *s); /* waits for the writer; NULL allowed */
/** Can it write now? For readiness: a yes counts for a second. @return ERR_OK, ERR_IO */
enum err store_ping(struct store *s);
/** Will its secrets be readable after the next start? @return ERR_OK; ERR_IO with code vault_key */
enum err store_check_vault(struct store *s);

/** Copy the database of a data directory, also one that another process has open, into a new file
 * of mode 0600. What it seals stays sealed: the vault key is not in it.
 *  @return ERR_OK; ERR_CONFLICT with code backup_exists (@p file is there); ERR_ARG;
 *  ERR_NOT_FOUND: there is no database; ERR_IO */
enum err store_copy(const char *dir, const char *file);

/** One page of a list. */
struct store_page {
    char cursor[ID_TEXT * 2]; /* "" = from the newest; an item's id = behind that item */
    size_t limit;             /* 1…LIMIT_PAGE */
    char next[ID_TEXT * 2];   /* out: the cursor of the next page, "" = this was the last */
};

/* --- credentials
 * ------------------------------------------------------------------------------------------------
 */
struct credential_record {
    char id[ID_TEXT]; /* "cred_…" */
    int64_t created_ms;
    char fingerprint_sha256[65], key_sha256[65];
    char *certificate_pem, *root_ca_pem; /* heap, NUL-terminated */
    char *meta_json;   /* heap: what GET answers: subject, dates, checks … no secret */
    int64_t purged_ms; /* when the private key was taken out; 0 = it is there */
};
void credential_record_dispose(struct credential_record *r);
struct credential_duplicate {
    bool allowed;          /* in: the key may be there: a renewal, or another chain or root CA */
    char earlier[ID_TEXT]; /* out: the credential that this one repeats; "" = none */
};
/** The key is sealed before it reaches the database.
 *  @param duplicate  NULL: none is allowed, and the earlier one is told in the detail only
 *  @return ERR_OK; ERR_CONFLICT with code credential_exists (its certificate is there) or
 * key_in_use (its key is there, with another certificate); ERR_IO, ERR_MEM */
enum err store_credential_add(struct store *s, const struct credential_record *r,
                              const char *key_pem, size_t key_len,
                              struct credential_duplicate *duplicate);
/** The newest one with this certificate. @param id_out  "" when there is none */
enum err store_credential_find(struct store *s, const char *fingerprint_sha256,
                               char id_out[ID_TEXT]);
enum err store_credential_get(struct store *s, const char *id,
                              struct credential_record *out); /* ERR_NOT_FOUND */
/** @param key_out  init it with buf_init_secret @return also ERR_NOT_FOUND with code key_purged */
enum err store_credential_key(struct store *s, const char *id, struct buf *key_out);
/** Take the private key out of the vault, for ever; again is no error. @return ERR_OK,
 * ERR_NOT_FOUND */
enum err store_credential_purge_key(struct store *s, const char *id);
/** @return ERR_OK, ERR_NOT_FOUND, ERR_CONFLICT with code credential_in_use (a queued or running job
 * has it) */
enum err store_credential_delete(struct store *s, const char *id);
/** Newest first. @param[out] list_out  release each and then the list with free() */
enum err store_credential_list(struct store *s, struct store_page *page,
                               struct credential_record **list_out, size_t *n_out);

/* --- image sets: which credential in which layout; the bytes are built anew when asked for
 * ------------------------ */
struct image_record {
    char id[ID_TEXT]; /* "img_…" */
    int64_t created_ms;
    char credential[ID_TEXT];
    char *layout_json;      /* heap: as it was asked for */
    char firmware[ID_TEXT]; /* "" = none: the credential alone */
    char target[20];        /* "mqtt", "client.1": which of a board's credentials it becomes */
};
void image_record_dispose(struct image_record *r);
/** It goes with its credential and its firmware. @return ERR_OK; ERR_NOT_FOUND with code
 * credential_not_found, firmware_not_found */
enum err store_image_add(struct store *s, const struct image_record *r);
enum err store_image_get(struct store *s, const char *id, struct image_record *out);

/* --- firmware: what is known of an upload; its files are on the shelf (service/firmware)
 * ------------------------ */
struct firmware_record {
    char id[ID_TEXT]; /* "fw_…" */
    int64_t created_ms;
    char name[97];   /* as the user calls it */
    uint64_t size;   /* bytes of the upload */
    char sha256[65]; /* of the upload */
    char *info_json; /* heap: firmware_to_json() */
};
void firmware_record_dispose(struct firmware_record *r);
/** @return ERR_OK; ERR_CONFLICT with code store_conflict when this content is there already */
enum err store_firmware_add(struct store *s, const struct firmware_record *r);
/** @return ERR_OK; ERR_NOT_FOUND with code firmware_not_found */
enum err store_firmware_get(struct store *s, const char *id, struct firmware_record *out);
/** The one with this content. @return as store_firmware_get() */
enum err store_firmware_find(struct store *s, const char *sha256, struct firmware_record *out);
/** @return ERR_OK; ERR_NOT_FOUND; ERR_CONFLICT with code firmware_in_use (a queued or running job
 * has it) */
enum err store_firmware_delete(struct store *s, const char *id);
/** Newest first. Release each with firmware_record_dispose() and the list with free(). */
enum err store_firmware_list(struct store *s, struct store_page *page,
                             struct firmware_record **list_out, size_t *n_out);

/* --- dumps: what a job has read from a flash; sealed, since it may hold a key. The newest
 * LIMIT_DUMPS are kept.
 * ------------------------ */
/** Replaces a former one of this job. @param n  at most LIMIT_DUMP_BYTES
 *  @return ERR_OK; ERR_NOT_FOUND with code job_not_found; ERR_TOO_LARGE */
enum err store_dump_put(struct store *s, const char *job, const void *data, size_t n);
/** @param out  init it with buf_init_secret @return ERR_OK; ERR_NOT_FOUND with code dump_not_found
 */
enum err store_dump_get(struct store *s, const char *job, struct buf *out);
/** @return as store_dump_get() */
enum err store_dump_delete(struct store *s, const char *job);

/* --- backups: partitions as they were before a job changed them; sealed, since they hold keys. The
 * newest LIMIT_BACKUPS of a partition of a board are kept.
 * ------------------------ */
struct backup_record {
    char id[ID_TEXT]; /* "bak_…" */
    int64_t created_ms;
    char mac[18], job[ID_TEXT], slot[64], partition[17];
    uint32_t offset, size; /* in flash, bytes */
    char sha256[65];       /* of the bytes */
};
/** @param n  r->size, at most LIMIT_BACKUP_BYTES @return ERR_OK, ERR_TOO_LARGE, ERR_IO, ERR_MEM */
enum err store_backup_add(struct store *s, const struct backup_record *r, const void *data,
                          size_t n);
/** @return ERR_OK; ERR_NOT_FOUND with code backup_not_found */
enum err store_backup_get(struct store *s, const char *id, struct backup_record *out);
/** @param out  init it with buf_init_secret @return as store_backup_get() */
enum err store_backup_data(struct store *s, const char *id, struct buf *out);
/** @return as store_backup_get(); ERR_CONFLICT with code backup_in_use (a queued or running job) */
enum err store_backup_delete(struct store *s, const char *id);
/** Newest first. @param mac  "" = of all boards. Release with free(). */
enum err store_backup_list(struct store *s, const char *mac, struct store_page *page,
                           struct backup_record **list_out, size_t *n_out);

/* --- profiles, and clouds (clouds.h): settings under a name that the user chose
 * ------------------------ */
struct named_settings {
    char name[64];
    int64_t changed_ms;  /* also their version: it grows with each change */
    char *settings_json; /* heap, secret: an object, as those have it who judge it; wiped */
};
void named_settings_dispose(struct named_settings *r);
/** Begin a record that takes the place of @p former (NULL: there is none), without settings. */
void named_settings_begin(const char *name, const struct named_settings *former,
                          struct named_settings *out);
/** Over a former one of this name. */
enum err store_profile_put(struct store *s, const struct named_settings *r);
/** @return ERR_OK; ERR_NOT_FOUND with code profile_not_found */
enum err store_profile_get(struct store *s, const char *name, struct named_settings *out);
/** @return as store_profile_get() */
enum err store_profile_delete(struct store *s, const char *name);
/** By name, which is the cursor. Release each with named_settings_dispose() and the list with
 * free(). */
enum err store_profile_list(struct store *s, struct store_page *page,
                            struct named_settings **list_out, size_t *n_out);

/* --- keys made here: requests that wait for their certificate, and local authorities
 * ------------------------ */
struct csr_record {
    char id[ID_TEXT]; /* "csr_…" */
    int64_t created_ms;
    char key_sha256[65];
    char *request_pem, *meta_json; /* heap */
};
void csr_record_dispose(struct csr_record *r);
enum err store_csr_add(struct store *s, const struct csr_record *r, const char *key_pem,
                       size_t key_len);
/** @return ERR_OK; ERR_NOT_FOUND with code csr_not_found */
enum err store_csr_get(struct store *s, const char *id, struct csr_record *out);
/** @param key_out  init it with buf_init_secret @return as store_csr_get() */
enum err store_csr_key(struct store *s, const char *id, struct buf *key_out);
/** @return as store_csr_get() */
enum err store_csr_delete(struct store *s, const char *id);
/** Newest first. Release each with csr_record_dispose() and the list with free(). */
enum err store_csr_list(struct store *s, struct store_page *page, struct csr_record **list_out,
                        size_t *n_out);

struct authority_record {
    char id[ID_TEXT]; /* "ca_…" */
    int64_t created_ms;
    char name[64];
    char *certificate_pem, *meta_json; /* heap */
};
void authority_record_dispose(struct authority_record *r);
/** @return ERR_OK; ERR_CONFLICT with code authority_exists (the name) */
enum err store_authority_add(struct store *s, const struct authority_record *r, const char *key_pem,
                             size_t key_len);
/** @return ERR_OK; ERR_NOT_FOUND with code authority_not_found */
enum err store_authority_get(struct store *s, const char *id, struct authority_record *out);
/** @param key_out  init it with buf_init_secret @return as store_authority_get() */
enum err store_authority_key(struct store *s, const char *id, struct buf *key_out);
/** @return as store_authority_get() */
enum err store_authority_delete(struct store *s, const char *id);
/** Newest first. Release each with authority_record_dispose() and the list with free(). */
enum err store_authority_list(struct store *s, struct store_page *page,
                              struct authority_record **list_out, size_t *n_out);

/* --- slots
 * ------------------------------------------------------------------------------------------------------
 */
struct slot_record {
    char name[64];
    char download_port[256], at_port[256]; /* paths or stable ids; "" = absent */
    char reset[128];                       /* as reset_parse() reads it */
    uint32_t download_baud, flash_baud, at_baud;
    int64_t changed_ms; /* 0 = implicit slot, not stored */
};
/** Writes the event slot.changed, too, as does deleting it. */
enum err store_slot_put(struct store *s, const struct slot_record *r);
enum err store_slot_get(struct store *s, const char *name, struct slot_record *out);
enum err store_slot_delete(struct store *s, const char *name);
/** By name. Release with free(). */
enum err store_slot_list(struct store *s, struct slot_record **list_out, size_t *n_out);

/** What its queue was told to do; also of a slot that is not stored itself. */
enum slot_hold { HOLD_NONE, HOLD_PAUSED, HOLD_DRAINING };
/** "none", "paused", "draining" */
const char *hold_name(enum slot_hold h);
struct hold_record {
    char slot[64];
    enum slot_hold state;
    int64_t since_ms;
    char actor[64]; /* who said so */
};
/** Over a former one of this slot; HOLD_NONE takes it away. */
enum err store_hold_put(struct store *s, const struct hold_record *r);
/** By slot. Release with free(). */
enum err store_hold_list(struct store *s, struct hold_record **list_out, size_t *n_out);

/* --- jobs
 * -------------------------------------------------------------------------------------------------------
 */
enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_INTERRUPTED
};
/** "queued", "running", … */
const char *job_state_name(enum job_state s);
enum err job_state_parse(const char *name, enum job_state *out);
bool job_state_is_final(enum job_state s);

enum step_state {
    STEP_RUNNING,
    STEP_SUCCEEDED,
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_CANCELLED,
    STEP_INTERRUPTED
};
const char *step_state_name(enum step_state s);

/* Above all that can be asked for: the reset that brings a board back after a crash. */
enum { JOB_PRIORITY_MIN = -10, JOB_PRIORITY_MAX = 10, JOB_PRIORITY_RECOVERY = 11 };

struct job_step {
    char name[24];
    enum step_state state;
    int64_t started_ms;
    int32_t ms;
    struct err_info error; /* kind == ERR_OK: none */
};

struct job_record {
    char id[ID_TEXT]; /* "job_…"; ids sort by creation */
    char kind[16], slot[64];
    char credential[ID_TEXT]; /* "" = none; one that the job makes itself comes while it runs */
    char firmware[ID_TEXT];   /* "" = none */
    char retry_of[ID_TEXT];
    int32_t priority;         /* JOB_PRIORITY_MIN…RECOVERY; higher runs first */
    char depends_on[ID_TEXT]; /* runs when that one has succeeded; "" = at once */
    int64_t deadline_ms;      /* by when it must have ended; 0 = never */
    char actor[64];           /* who asked for it: name of his token; "" = nobody was asked */
    char token[ID_TEXT];      /* that token */
    char idempotency[65], body_sha256[65]; /* hex; "" = no Idempotency-Key. Never goes out */
    enum job_state state;
    int64_t created_ms, started_ms, finished_ms; /* 0 = not yet */
    struct job_step steps[LIMIT_JOB_STEPS];
    size_t step_count;
    const char *ahead[LIMIT_JOB_STEPS]; /* fixed words; while it runs, never stored */
    size_t ahead_count;
    uint64_t progress_done, progress_total;
    char progress_unit[12];
    size_t progress_step;  /* the step it is of, the first is 1; while it runs, never stored */
    char *result_json;     /* heap, an object; NULL = none */
    struct err_info error; /* kind == ERR_OK: none */
    char error_step[24];
};
void job_record_dispose(struct job_record *r);
/** Deep copy; *out is empty on error. @return ERR_OK, ERR_MEM */
enum err job_record_copy(const struct job_record *r, struct job_record *out);

/** What a job works with. Until it has ended none of it can be deleted. */
struct job_need {
    enum { NEED_CREDENTIAL, NEED_FIRMWARE, NEED_IMAGES, NEED_BACKUP } kind;
    const char *id;
};
/** Queue it: record and command (JSON; sealed: it may hold a Wi-Fi password) are on the disk when
 * this returns.
 *  @param needs  what it needs besides the record's own credential and firmware; may repeat them
 *  @return ERR_OK; ERR_NOT_FOUND with code credential_not_found, firmware_not_found,
 * image_not_found or backup_not_found; ERR_CONFLICT with code store_conflict when there is a job
 * with its idempotency already */
enum err store_job_add(struct store *s, const struct job_record *r, const char *command_json,
                       const struct job_need *needs, size_t need_count);
/** Write the whole present record over the old one, with the event that it tells of: job.started
 * as long as there is no step, job.step, job.ended. */
enum err store_job_save(struct store *s, const struct job_record *r);
/** The same without an event: only its progress has changed. */
enum err store_job_progress(struct store *s, const struct job_record *r);
enum err store_job_get(struct store *s, const char *id, struct job_record *out);
/** @param command_out  init it with buf_init_secret */
enum err store_job_command(struct store *s, const char *id, struct buf *command_out);
/** Transcript of a job, JSON lines; replaces the former one. */
enum err store_job_log_put(struct store *s, const char *id, const void *text, size_t n);
enum err store_job_log_get(struct store *s, const char *id, struct buf *out);

struct job_filter {
    char slot[64], kind[16], credential[ID_TEXT], firmware[ID_TEXT]; /* "" = any */
    bool by_state;
    enum job_state state;
};
/** Newest first. Release each with job_record_dispose() and the list with free(). */
enum err store_job_list(struct store *s, const struct job_filter *filter, struct store_page *page,
                        struct job_record **list_out, size_t *n_out);
/** At start: jobs left running become interrupted (with the step they were in); ids of the queued
 * ones, oldest first. Release *ids_out with free(). */
enum err store_job_recover(struct store *s, char (**ids_out)[ID_TEXT], size_t *n_out);

/* --- events: what happened, in the order in which it was stored; each is written together with
 * what it tells of
 * ----------------------------------------------------------------------------------------------------
 */
struct event_record {
    int64_t seq; /* counts up; 0 = not stored */
    int64_t at_ms;
    char type[16];
    char job[ID_TEXT], slot[64]; /* "" = of none */
    char *data_json;             /* heap: a small object, without secrets */
};
void event_record_dispose(struct event_record *e);
/** One bit for each type, so that several fit a number; 0 = there is no such type. */
unsigned event_type_bit(const char *type);
/** What @p type tells of this job: "job.queued", "job.started", "job.step" (the last step),
 * "job.progress" or "job.ended". @return ERR_OK, ERR_MEM; *out is empty on error */
enum err event_of_job(const struct job_record *r, const char *type, struct event_record *out);
/** "slot.changed" or "ports.changed". @param slot  "" = of none
 *  @param change  what was done, a fixed word  @return as event_of_job() */
enum err event_of_bench(const char *type, const char *slot, const char *change,
                        struct event_record *out);

/** Called for each event once it is on the disk, in the order of their seq, on the thread that
 * writes: it may lock, but neither wait long nor call the store. The call that wrote returns
 * afterwards, so who hears of an event finds what it tells of.
 *  @param job  its record as it was stored; NULL for an event that is not of a job */
typedef void (*store_event_fn)(const struct job_record *job, const struct event_record *event,
                               void *arg);
/** There is one listener. When this returns no other is being called. @param fn  NULL: none */
void store_listen(struct store *s, store_event_fn fn, void *arg);
/** Store an event that comes alone. */
enum err store_event_add(struct store *s, struct event_record *e);
/** The seq of the newest; 0 = none. */
enum err store_event_last(struct store *s, int64_t *seq_out);
/** Those behind @p after, up to and with @p upto, oldest first, at most @p limit.
 *  @param job  "" = of all. Release each with event_record_dispose() and the list with free(). */
enum err store_event_list(struct store *s, const char *job, int64_t after, int64_t upto,
                          size_t limit, struct event_record **list_out, size_t *n_out);

/* --- devices
 * ----------------------------------------------------------------------------------------------------
 */
struct device_record {
    char mac[18]; /* "24:0a:c4:12:34:56" */
    char chip[16];
    int64_t first_seen_ms, last_seen_ms;
    char credential[ID_TEXT],
        fingerprint_sha256[65]; /* last one that was written and verified; "" = none */
    char common_name[128];      /* in its certificate; "" = none */
    char slot[64];              /* of the last entry, as is: */
    enum job_state outcome;
};
struct device_entry {
    int64_t at_ms;
    char job[ID_TEXT], slot[64], credential[ID_TEXT], fingerprint_sha256[65];
    char method[8];
    enum job_state outcome;
    char *detail_json; /* heap: layout, images with their hashes, verdicts; NULL allowed */
};
void device_entry_dispose(struct device_entry *e);
/** What the device's row says of its credential after an entry. */
enum device_credential {
    DEVICE_KEEPS,   /* as before */
    DEVICE_WRITTEN, /* that of the entry is now on the board and verified */
    DEVICE_CLEARED  /* the former one is gone */
};
/** Note what was done to a board. The device's row is made or brought up to date with it. */
enum err store_device_note(struct store *s, const char *mac, const char *chip,
                           const struct device_entry *e, enum device_credential now);
/** DEVICE_CLEARED without an entry; a board that is not known is none the less so. */
enum err store_device_forget_credential(struct store *s, const char *mac);
/** The row alone. @return ERR_OK; ERR_NOT_FOUND with code device_not_found */
enum err store_device_row(struct store *s, const char *mac, struct device_record *out);
enum err store_device_get(struct store *s, const char *mac, struct device_record *out,
                          struct device_entry **entries_out,
                          size_t *n_out); /* entries newest first */
/** Newest first.
 *  @param text  "" = all; else those that have it, in any case, in their chip, slot, thing or
 * common name, or in their MAC (with or without separators), or whose credential's id or
 * fingerprint begins with it */
enum err store_device_list(struct store *s, const char *text, struct store_page *page,
                           struct device_record **list_out, size_t *n_out);

/* --- what was last in a slot, stored or implicit
 * ----------------------------------------------------------------------------------------------------
 */
struct slot_seen {
    struct {
        char job[ID_TEXT]; /* that found it; "" = no job has found one yet */
        char mac[18];      /* "" = its loader does not tell */
        char chip[16], title[32];
        char firmware[64], layout[16]; /* as this or an earlier job learned; "" = not known */
        int64_t at_ms;                 /* when it was found */
    } board;
    struct {
        char id[ID_TEXT]; /* "" = none has ended yet, or it was deleted since */
        char kind[16];
        enum job_state state;
        int64_t finished_ms;
        struct err_info error; /* kind == ERR_OK: none */
        char error_step[24];
    } last_job; /* the one that ended last, resets of our own (JOB_PRIORITY_RECOVERY) left out; one
                   that failed or was cut off stays until another kind than at, read, reset ends */
};
/** All zero for a slot that had no job yet. @return ERR_OK, ERR_IO */
enum err store_slot_seen(struct store *s, const char *slot, struct slot_seen *out);

/* --- answers to requests with an Idempotency-Key
 * ------------------------ */
struct answer_record {
    char job[ID_TEXT]; /* the job that it made; "" = the answer itself was kept */
    int64_t at_ms;
    char body_digest[SHA256_HEX]; /* of what was asked for */
};
/** @param key  a store_digest() of who asked under which key
 *  @return ERR_OK; ERR_NOT_FOUND without words; ERR_IO */
enum err store_answer_find(struct store *s, const char *key, struct answer_record *out);
/** @param out  init it with buf_init_secret @return as store_answer_find() */
enum err store_answer_get(struct store *s, const char *key, struct buf *out);
/** Over a former one of this key. Sealed: it may hold a secret. */
enum err store_answer_put(struct store *s, const char *key, const char *body_digest,
                          const void *answer, size_t n);
/** A digest that tells those who have only the database nothing of @p data: vault_digest(). */
void store_digest(struct store *s, const void *data, size_t n, char hex_out[SHA256_HEX]);
#endif
