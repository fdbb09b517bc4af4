/* internal: what the files of service/store share. */
#ifndef SERVICE_STORE_INTERNAL_H
#define SERVICE_STORE_INTERNAL_H

#include "service/store/db.h"
#include "service/store/store.h"
#include "service/store/vault.h"
#include "service/store/writer.h"

/** On the writer's thread, see writer_do(). */
enum err store_write(struct store *s, write_fn fn, void *arg);
/** The same; then the listener is told (store_listen()), before this returns.
 *  @param job  as store_event_fn has it  @param event  @p fn adds it with event_add() */
enum err store_write_event(struct store *s, write_fn fn, void *arg, const struct job_record *job,
                           const struct event_record *event);
/** Put it in and fill in its seq. On the writer's thread. */
enum err event_add(struct db *db, struct event_record *e);
/** Borrow a reading connection; give it back with store_reader_done(). @return ERR_OK, ERR_IO */
enum err store_reader(struct store *s, struct db **db_out);
void store_reader_done(struct store *s, struct db *db);
struct vault *store_vault(struct store *s);
/** Fold the write-ahead log into the database, so that it holds no copy of what was deleted. As far
 * as readers let it: else the next one does it. */
void store_fold_log(struct store *s);

/** Seal under "<kind>:<id>" (vault.h). @param sealed_out  initialised here */
enum err store_seal(struct store *s, const char *kind, const char *id, const void *data, size_t n,
                    struct buf *sealed_out);
/** Open what was sealed so. @param out  init it with buf_init_secret */
enum err store_unseal(struct store *s, const char *kind, const char *id, const struct buf *sealed,
                      struct buf *out);
/** The same of one row. @param sql  a literal with one parameter, @p id, that selects the sealed
 * bytes alone  @return ERR_NOT_FOUND without words: the caller knows what is missing */
enum err store_sealed(struct store *s, const char *sql, const char *kind, const char *id,
                      struct buf *out);
/** A row that is put in together with its secret. */
struct sealed_row {
    const void *record; /* as the caller of store_put_sealed() gave it */
    const struct buf *sealed;
};
/** Seal @p data under "<kind>:<id>" and put it in with its row. @param put  gets a struct
 * sealed_row
 *  @return errors of sealing and of @p put */
enum err store_put_sealed(struct store *s, const char *kind, const char *id, const void *data,
                          size_t n, write_fn put, const void *record);
/** Delete one row, with what the log holds of it. @param sql  a literal with one parameter, @p key
 *  @return ERR_OK; ERR_NOT_FOUND without words: the caller knows what is missing */
enum err store_delete(struct store *s, const char *sql, const char *key);

/** What it is made of: the ids of a credential or backup and of a firmware, "" = none.
 *  @return ERR_OK; ERR_NOT_FOUND with code credential_not_found, firmware_not_found,
 * image_not_found or backup_not_found */
enum err need_find(struct db *db, const struct job_need *need, char ids_out[2][ID_TEXT]);
/** Note that a job, whose row is there, needs this until it ends. @return as need_find() */
enum err need_add(struct db *db, const char *job, const struct job_need *need);
/** The job has ended. */
enum err need_end(struct db *db, const char *job);
/** @param what  "credential", "firmware" or "backup": the error's code begins with it
 *  @return ERR_OK; ERR_CONFLICT when a job needs @p id */
enum err need_refuse(struct db *db, const char *id, const char *what);

/** A job was cut off: what it was registering, or has registered, is to be undone.
 *  @param error  why, as error_to_text() has it */
enum err registration_turn_back(struct db *db, const char *job, const char *error);
/** Nobody here has made a policy at this cloud: it is to be another account, and none lives in it.
 */
enum err registration_policies_of_others(struct db *db, const char *cloud);
/** @return ERR_NOT_FOUND with code registration_not_found */
enum err registration_not_found(const char *id);

/** The job has ended: one delivery for each webhook that wants to hear of it; again is no error. */
enum err deliveries_add(struct db *db, const struct job_record *r);

/** The job's record changes: what it found in its slot, and that it ends, is what was last there.
 *  @param ends  it had not ended before */
enum err seen_note(struct db *db, const struct job_record *r, bool ends);

/** An error as text for a column, "" for none: heap; NULL = no memory. */
char *error_to_text(const struct err_info *e);
/** @return ERR_OK; ERR_IO with code store_corrupt */
enum err error_from_text(const char *text, struct err_info *out);

/** @return ERR_NOT_FOUND with code job_not_found */
enum err job_not_found(const char *id);
/** The JSON columns of a job. */
struct job_json {
    char *steps, *error; /* heap */
};
/** @return ERR_OK, ERR_MEM; *out is empty on error */
enum err job_json_make(const struct job_record *r, struct job_json *out);
void job_json_dispose(struct job_json *j);
/** Fill in steps and step_count. @return ERR_OK; ERR_IO with code store_corrupt */
enum err job_json_steps(const char *text, struct job_record *r);
#endif
