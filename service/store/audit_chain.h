/* audit_chain: how the entries of the audit hang together (audit.h says it for readers). Private to
 * service/store. */
#ifndef SERVICE_STORE_AUDIT_CHAIN_H
#define SERVICE_STORE_AUDIT_CHAIN_H

#include <stdint.h>

#include "service/store/audit.h"
#include "service/store/db.h"

#define AUDIT_COLUMNS                                                                              \
    "seq, at_ms, actor, token, address, request, action, target, slot, mac, job, outcome, detail," \
    " previous, hash"

/** Of everything but e->hash. @return ERR_OK, ERR_MEM */
enum err audit_hash(const struct audit_entry *e, char out[SHA256_HEX]);
/** Remember the newest entry where nobody without the vault's key can. In a transaction. @param
 * hash  "" with sequence 0: there is none yet */
enum err audit_seal(struct db *db, int64_t sequence, const char *hash);
/** What was sealed last. @return ERR_OK; ERR_VERIFY with code audit_broken */
enum err audit_unseal(struct db *db, int64_t *sequence_out, char hash_out[SHA256_HEX]);
/** Sequence of the newest entry that is there; 0 = none. */
enum err audit_last(struct db *db, int64_t *out);
/** One row of AUDIT_COLUMNS; a row_read_fn. */
enum err audit_read_row(struct query *q, void *item);

/** Add an entry, within a transaction of the writer's. */
enum err audit_append(struct db *db, struct audit_entry *e);
/** The same of a job that has ended. */
enum err audit_job_ended(struct db *db, const struct job_record *r);
/** The entry that store_audit_with_job() left for this job, now filled in; NULL: none. */
struct audit_entry *audit_take_pending(const struct job_record *r);
#endif
