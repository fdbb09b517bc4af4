/* audit: who tried to change or to see what, and how it ended; nothing of it is ever changed or
 * deleted. Each entry's hash is SHA-256 over the entry's canonical JSON (RFC 8785: members sorted,
 * no blanks), which holds the hash of the entry before it, so that an export can be checked by
 * anybody:  jq -cS 'del(.hash)' entry.json | tr -d '\n' | sha256sum.  The newest sequence number
 * and hash are also sealed by the vault: a tail that was cut off, or a chain that was made anew, is
 * found too. */
#ifndef SERVICE_STORE_AUDIT_H
#define SERVICE_STORE_AUDIT_H

#include <jansson.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/store/store.h"

struct audit_entry {
    int64_t sequence, at_ms; /* set when it is written; from 1, without a gap */
    char id[24];             /* the sequence as a text: the cursor of a list */
    char actor[64], token[ID_TEXT], address[48];
    char request[41]; /* X-Request-Id; "" = the end of a job */
    char action[48];  /* operationId, or "job.end" */
    char target[128]; /* what the request was about: an id or a name */
    char slot[64], mac[18], job[ID_TEXT];
    char outcome[12];  /* "done", "refused", "failed"; of a job the state it ended in */
    char *detail_json; /* heap: an object, canonical; never a secret */
    char previous[SHA256_HEX], hash[SHA256_HEX]; /* set when it is written; the first one's previous
                                                    is "" */
};
void audit_entry_dispose(struct audit_entry *e);

/** Set the detail. @param detail  taken; an object @return ERR_OK, ERR_MEM */
enum err audit_entry_detail(struct audit_entry *e, json_t *detail);
/** The entry as it goes out; without "hash" its canonical JSON is what the hash covers.
 *  @return a new object; NULL: out of memory */
json_t *audit_entry_json(const struct audit_entry *e);

/** Write it; on the disk when this returns. Texts that are not UTF-8 are cleaned. */
enum err store_audit_add(struct store *s, struct audit_entry *e);
/** Let the next job that this thread adds (store_job_add) take the entry into its own transaction,
 * with its own id and slot: so a job costs one commit. @param e  borrowed until the same call with
 * NULL; sequence is 0 as long as it was not written */
void store_audit_with_job(struct audit_entry *e);

struct audit_filter {
    char actor[64], action[48], slot[64], mac[18], job[ID_TEXT], outcome[12]; /* "" = any */
};
/** Newest first; the cursor is a sequence number. Release each with audit_entry_dispose() and the
 * list with free(). */
enum err store_audit_list(struct store *s, const struct audit_filter *filter,
                          struct store_page *page, struct audit_entry **list_out, size_t *n_out);

struct audit_report {
    int64_t entries, first_ms, last_ms;
    char hash[SHA256_HEX]; /* of the newest entry: keep it elsewhere to compare with later */
};
/** Check the whole of a database that another process may have open.
 *  @return ERR_OK: intact; ERR_VERIFY with code audit_broken: it is not, the detail says where;
 *  ERR_NOT_FOUND (there is no database), ERR_IO: it cannot be checked */
enum err store_audit_verify(const char *dir, struct audit_report *out);
#endif
