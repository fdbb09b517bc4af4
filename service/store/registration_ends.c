/* registration_ends: who may end a registration, and what keeps it: a job that works with it is a
 * reason to wait, in the transaction that would end it. */
#include "service/base/clock.h"
#include "service/store/internal.h"
#include "service/store/registrations.h"

enum err registration_turn_back(struct db *db, const char *job, const char *error)
{
    struct query q;
    query_begin(&q, db,
                "UPDATE registration SET state = 'undoing', error = ? WHERE job = ? AND job <> ''"
                " AND state IN ('registering', 'registered', 'active')");
    query_put_text(&q, error);
    query_put_text(&q, job);
    return query_run(&q);
}

/* Why one that was left could not be undone is asked anew. */
static enum err turn_back(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db,
                "UPDATE registration SET error = CASE state WHEN 'left' THEN '' ELSE error END,"
                " state = CASE WHEN state IN ('undone', 'forgotten') THEN state ELSE 'undoing' END"
                " WHERE id = ?");
    query_put_text(&q, arg);
    enum err e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : registration_not_found(arg);
}

enum err store_registration_undo(struct store *s, const char *id)
{
    return store_write(s, turn_back, (void *)id);
}

/* The job that makes it, or one that writes its credential. */
static enum err refuse_busy(struct db *db, const char *id)
{
    struct query q;
    char job[ID_TEXT] = "";
    bool row;
    query_begin(&q, db,
                "SELECT j.id FROM registration r JOIN job j ON j.id = r.job OR j.id IN"
                " (SELECT n.job FROM job_need n WHERE n.id = r.credential AND n.id <> '')"
                " WHERE r.id = ? AND r.lives = 1 AND j.state IN ('queued', 'running') LIMIT 1");
    query_put_text(&q, id);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, job, sizeof job);
    query_end(&q);
    if (e || !row) return e;
    return err_fail(ERR_CONFLICT, "registration_busy", "Wait for the job, or cancel it.",
                    "%s is being worked with by %s", id, job);
}

static enum err turn_back_idle(struct db *db, void *arg)
{
    enum err e = refuse_busy(db, arg);
    return e ? e : turn_back(db, arg);
}

enum err store_registration_undo_idle(struct store *s, const char *id)
{
    return store_write(s, turn_back_idle, (void *)id);
}

struct hold {
    const struct registration_record *record;
    const char *job;
};

static enum err hold(struct db *db, void *arg)
{
    const struct hold *h = arg;
    const struct job_need need = {NEED_CREDENTIAL, h->record->credential};
    struct query q;
    bool row;
    query_begin(&q, db, "SELECT 1 FROM registration WHERE id = ? AND state = 'active'");
    query_put_text(&q, h->record->id);
    enum err e = query_next(&q, &row);
    query_end(&q);
    if (!e && !row)
        e = err_fail(ERR_CONFLICT, "thing_registered", "Try again when it is undone.",
                     "%s is registered in \"%s\" by %s, which is being undone", h->record->thing,
                     h->record->cloud, h->record->id);
    return e ? e : need_add(db, h->job, &need);
}

enum err store_registration_hold(struct store *s, const struct registration_record *r,
                                 const char *job)
{
    return store_write(s, hold, &(struct hold){r, job});
}

static enum err refuse_forgetting(struct db *db, const char *id)
{
    struct query q;
    bool row;
    enum registration_state state = REGISTRATION_LEFT;
    char name[16] = "";
    query_begin(&q, db, "SELECT state FROM registration WHERE id = ?");
    query_put_text(&q, id);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, name, sizeof name);
    query_end(&q);
    if (!e && !row) e = registration_not_found(id);
    if (!e) e = registration_state_parse(name, &state);
    if (e || state == REGISTRATION_LEFT || state == REGISTRATION_FORGOTTEN) return e;
    return err_fail(ERR_CONFLICT, "registration_not_left",
                    "DELETE it without \"forget\" first: what it made is taken away, and only what "
                    "cannot be is worth forgetting.",
                    "%s is %s: only one that is left can be forgotten", id, name);
}

/* What it made stays in its list; for others it counts no more (registration_policies.c), since the
 * next account of this name is another. */
static enum err forget(struct db *db, void *arg)
{
    struct query q;
    enum err e = refuse_forgetting(db, arg);
    if (e) return e;
    query_begin(&q, db,
                "UPDATE registration SET state = 'forgotten', lives = 0, secret = x'',"
                " changed_ms = ? WHERE id = ? AND state = 'left'");
    query_put_int(&q, clock_now_ms());
    query_put_text(&q, arg);
    return query_run(&q);
}

enum err store_registration_forget(struct store *s, const char *id)
{
    enum err e = store_write(s, forget, (void *)id);
    if (!e) store_fold_log(s);
    return e;
}
