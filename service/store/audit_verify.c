/* Read with a connection of its own, in one transaction: a service that goes on writing meanwhile
 * changes nothing of what is seen here. */
#include <inttypes.h>
#include <string.h>

#include "service/store/audit_chain.h"
#include "service/store/outside.h"

static const char code[] = "audit_broken";
static const char hint[] = "Compare with a backup, and find out who could write this file.";

struct walk {
    struct audit_report *report;
    int64_t sequence;           /* of the newest entry so far */
    char hash[SHA256_HEX];      /* of that entry */
    struct audit_entry current; /* scratch */
};

static enum err check_entry(struct walk *w)
{
    const struct audit_entry *e = &w->current;
    char hash[SHA256_HEX];
    if (e->sequence != w->sequence + 1)
        return err_fail(ERR_VERIFY, code, hint, "entries %" PRId64 " to %" PRId64 " are missing",
                        w->sequence + 1, e->sequence - 1);
    enum err err = audit_hash(e, hash);
    if (err) return err;
    if (strcmp(hash, e->hash) != 0)
        return err_fail(ERR_VERIFY, code, hint,
                        "entry %" PRId64 " was changed: its hash is not that of its content",
                        e->sequence);
    if (strcmp(e->previous, w->hash) != 0)
        return err_fail(ERR_VERIFY, code, hint,
                        "entry %" PRId64 " does not continue entry %" PRId64, e->sequence,
                        w->sequence);
    return ERR_OK;
}

static void note(struct walk *w)
{
    const struct audit_entry *e = &w->current;
    if (!w->report->entries++) w->report->first_ms = e->at_ms;
    w->report->last_ms = e->at_ms;
    w->sequence = e->sequence;
    memcpy(w->hash, e->hash, sizeof w->hash);
}

static enum err walk_all(struct db *db, struct walk *w)
{
    struct query q;
    bool row;
    enum err e;
    query_begin(&q, db, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY seq");
    while (!(e = query_next(&q, &row)) && row) {
        w->current = (struct audit_entry){.detail_json = NULL};
        e = audit_read_row(&q, &w->current);
        if (!e) e = check_entry(w);
        if (!e) note(w);
        audit_entry_dispose(&w->current);
        if (e) break;
    }
    query_end(&q);
    return e;
}

static enum err check_end(struct db *db, const struct walk *w)
{
    int64_t sequence = 0;
    char hash[SHA256_HEX];
    enum err e = audit_unseal(db, &sequence, hash);
    if (e) return e;
    if (sequence != w->sequence)
        return err_fail(ERR_VERIFY, code, hint,
                        "the newest entry is %" PRId64 ", but %" PRId64 " was sealed as the newest",
                        w->sequence, sequence);
    if (strcmp(hash, w->hash) != 0)
        return err_fail(ERR_VERIFY, code, hint, "entry %" PRId64 " is not the one that was sealed",
                        sequence);
    return ERR_OK;
}

enum err store_audit_verify(const char *dir, struct audit_report *out)
{
    struct outside o;
    struct walk w = {.report = out};
    *out = (struct audit_report){.entries = 0};
    enum err e = outside_open(dir, true, &o);
    if (!e) e = db_exec(&o.db, "BEGIN");
    if (!e) e = walk_all(&o.db, &w);
    if (!e) e = check_end(&o.db, &w);
    memcpy(out->hash, w.hash, sizeof out->hash);
    outside_close(&o);
    return e;
}
