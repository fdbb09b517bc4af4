/* registrations: what they hold beside the row of plain columns is two objects as text, of which
 * the store knows nothing, and a secret, sealed under "registration:<id>". A secret that was wiped
 * is an empty blob, as with credentials. */
#include "service/store/registrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { SQL = 640, SECRET_MAX = 64 * 1024 };

#define REGISTRATION_COLUMNS                                                                       \
    "id, created_ms, changed_ms, cloud, thing, job, actor, credential, certificate, policy,"       \
    " policy_made, state, spec, progress, error"

static const char kind[] = "registration";

static const char *const states[] = {"registering", "registered", "active",   "undoing",
                                     "undone",      "left",       "forgotten"};

const char *registration_state_name(enum registration_state s)
{
    return states[s];
}

enum err registration_state_parse(const char *name, enum registration_state *out)
{
    for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(name, states[i]) != 0) continue;
        *out = (enum registration_state)i;
        return ERR_OK;
    }
    return err_set(ERR_ARG, "no such state of a registration");
}

void registration_record_dispose(struct registration_record *r)
{
    free(r->spec_json);
    free(r->progress_json);
    *r = (struct registration_record){.id = ""};
}

enum err registration_not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "registration_not_found", "GET /v1/registrations lists them.",
                    "there is no registration \"%s\"", id);
}

/* --- writing --- */

struct change {
    const struct registration_record *record;
    const struct buf *sealed; /* of a new one */
    char *error;              /* heap */
};

static bool lives(const struct registration_record *r)
{
    return r->state != REGISTRATION_UNDONE && r->state != REGISTRATION_FORGOTTEN;
}

/* The index would refuse it, too, but without saying which one is in the way. */
static enum err refuse_second(struct db *db, const struct registration_record *r)
{
    struct query q;
    char id[ID_TEXT] = "";
    bool row;
    if (!lives(r) || !r->thing[0]) return ERR_OK;
    query_begin(&q, db,
                "SELECT id FROM registration WHERE cloud = ? AND thing = ? AND lives = 1"
                " AND thing <> '' AND id <> ?");
    query_put_text(&q, r->cloud);
    query_put_text(&q, r->thing);
    query_put_text(&q, r->id);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, id, sizeof id);
    query_end(&q);
    if (e || !row) return e;
    return err_fail(ERR_CONFLICT, "thing_registered",
                    "GET /v1/registrations/{id} tells about it; DELETE undoes it.",
                    "%s is registered in \"%s\" already, by %s", r->thing, r->cloud, id);
}

/* Else whoever deletes the cloud meanwhile leaves one that nobody could go on with. */
static enum err needs_cloud(struct db *db, const char *name)
{
    struct query q;
    bool row;
    query_begin(&q, db, "SELECT 1 FROM cloud WHERE name = ?");
    query_put_text(&q, name);
    enum err e = query_next(&q, &row);
    query_end(&q);
    if (e || row) return e;
    return err_fail(ERR_NOT_FOUND, "cloud_not_found", "GET /v1/clouds lists them.",
                    "there is no cloud \"%s\"", name);
}

/* Who undoes one of two would take the other's away. */
static enum err refuse_shared(struct db *db, const struct registration_record *r)
{
    struct query q;
    char id[ID_TEXT] = "";
    bool row;
    query_begin(&q, db,
                "SELECT id FROM registration WHERE certificate = ? AND certificate <> ''"
                " AND cloud = ? AND lives = 1");
    query_put_text(&q, r->certificate);
    query_put_text(&q, r->cloud);
    enum err e = query_next(&q, &row);
    if (row) query_get_text(&q, id, sizeof id);
    query_end(&q);
    if (e || !row) return e;
    return err_fail(ERR_CONFLICT, "certificate_registered",
                    "Take another credential, or DELETE /v1/registrations/{id} first.",
                    "the certificate is that of %s, for another thing in \"%s\"", id, r->cloud);
}

static void put_variable(struct query *q, const struct change *c)
{
    const struct registration_record *r = c->record;
    query_put_int(q, r->changed_ms);
    query_put_text(q, r->thing);
    query_put_text(q, r->credential);
    query_put_text(q, r->certificate);
    query_put_text(q, r->policy);
    query_put_int(q, r->policy_made);
    query_put_text(q, registration_state_name(r->state));
    query_put_int(q, lives(r));
    query_put_text(q, r->spec_json);
    query_put_text(q, r->progress_json);
    query_put_text(q, c->error);
}

static enum err insert(struct db *db, void *arg)
{
    const struct change *c = arg;
    const struct registration_record *r = c->record;
    struct query q;
    enum err e = needs_cloud(db, r->cloud);
    if (!e) e = refuse_second(db, r);
    if (!e) e = refuse_shared(db, r);
    if (e) return e;
    query_begin(&q, db,
                "INSERT INTO registration (id, created_ms, cloud, job, actor, secret, changed_ms,"
                " thing, credential, certificate, policy, policy_made, state, lives, spec,"
                " progress, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->cloud);
    query_put_text(&q, r->job);
    query_put_text(&q, r->actor);
    query_put_blob(&q, c->sealed->data, c->sealed->len);
    put_variable(&q, c);
    return query_run(&q);
}

enum err store_registration_add(struct store *s, const struct registration_record *r,
                                const void *secret, size_t n)
{
    struct buf sealed;
    struct change c = {.record = r, .sealed = &sealed, .error = error_to_text(&r->error)};
    enum err e = store_seal(s, kind, r->id, secret, n, &sealed);
    if (!e && !c.error) e = err_set(ERR_MEM, "out of memory");
    if (!e) e = store_write(s, insert, &c);
    buf_dispose(&sealed);
    free(c.error);
    return e;
}

/* It was told to go back: who does not know yet must not lead it on. */
static enum err refuse_return(struct db *db, const struct registration_record *r)
{
    struct query q;
    bool row;
    if (r->state > REGISTRATION_ACTIVE) return ERR_OK;
    query_begin(&q, db,
                "SELECT 1 FROM registration WHERE id = ? AND state IN ('undoing', 'undone',"
                " 'left', 'forgotten')");
    query_put_text(&q, r->id);
    enum err e = query_next(&q, &row);
    query_end(&q);
    if (e || !row) return e;
    return err_fail(ERR_CANCELLED, "registration_undoing", NULL, "%s is to be undone", r->id);
}

static enum err update(struct db *db, void *arg)
{
    const struct change *c = arg;
    struct query q;
    enum err e = refuse_return(db, c->record);
    if (!e) e = refuse_second(db, c->record);
    if (e) return e;
    query_begin(&q, db,
                "UPDATE registration SET changed_ms = ?, thing = ?, credential = ?,"
                " certificate = ?, policy = ?, policy_made = ?, state = ?, lives = ?, spec = ?,"
                " progress = ?, error = ?, secret = CASE WHEN ? THEN secret ELSE x'' END"
                " WHERE id = ?");
    put_variable(&q, c);
    query_put_int(&q, lives(c->record));
    query_put_text(&q, c->record->id);
    e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : registration_not_found(c->record->id);
}

enum err store_registration_save(struct store *s, const struct registration_record *r)
{
    struct change c = {.record = r, .error = error_to_text(&r->error)};
    enum err e = c.error ? store_write(s, update, &c) : err_set(ERR_MEM, "out of memory");
    free(c.error);
    if (!e && !lives(r)) store_fold_log(s);
    return e;
}

static enum err replace_secret(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    struct query q;
    query_begin(&q, db, "UPDATE registration SET secret = ? WHERE id = ?");
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    query_put_text(&q, row->record);
    enum err e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : registration_not_found(row->record);
}

static enum err wipe_secret(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "UPDATE registration SET secret = x'' WHERE id = ?");
    query_put_text(&q, arg);
    enum err e = query_run(&q);
    return e ? e : sqlite3_changes(db->handle) ? ERR_OK : registration_not_found(arg);
}

enum err store_registration_secret_put(struct store *s, const char *id, const void *secret,
                                       size_t n)
{
    if (n) return store_put_sealed(s, kind, id, secret, n, replace_secret, id);
    enum err e = store_write(s, wipe_secret, (void *)id);
    if (!e) store_fold_log(s);
    return e;
}

/* --- reading --- */

static enum err read_row(struct query *q, void *item)
{
    struct registration_record *out = item;
    char state[16], *error = NULL;
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    out->changed_ms = query_get_int(q);
    query_get_text(q, out->cloud, sizeof out->cloud);
    query_get_text(q, out->thing, sizeof out->thing);
    query_get_text(q, out->job, sizeof out->job);
    query_get_text(q, out->actor, sizeof out->actor);
    query_get_text(q, out->credential, sizeof out->credential);
    query_get_text(q, out->certificate, sizeof out->certificate);
    query_get_text(q, out->policy, sizeof out->policy);
    out->policy_made = query_get_int(q) != 0;
    query_get_text(q, state, sizeof state);
    enum err e = query_get_heap(q, &out->spec_json);
    if (!e) e = query_get_heap(q, &out->progress_json);
    if (!e) e = query_get_heap(q, &error);
    if (!e) e = registration_state_parse(state, &out->state);
    if (!e) e = error_from_text(error, &out->error);
    free(error);
    if (e) registration_record_dispose(out);
    return e;
}

/* @param sql  a literal with one parameter, @p key */
static enum err find(struct store *s, const char *sql, const char *key,
                     struct registration_record *out)
{
    *out = (struct registration_record){.id = ""};
    const struct row_search search = {sql, key, read_row, out};
    return rows_find(s, &search);
}

enum err store_registration_get(struct store *s, const char *id, struct registration_record *out)
{
    enum err e = find(s, "SELECT " REGISTRATION_COLUMNS " FROM registration WHERE id = ?", id, out);
    return e == ERR_NOT_FOUND ? registration_not_found(id) : e;
}

enum err store_registration_of_credential(struct store *s, const char *credential,
                                          struct registration_record *out)
{
    enum err e = find(s,
                      "SELECT " REGISTRATION_COLUMNS " FROM registration WHERE credential = ?"
                      " AND credential <> '' AND lives = 1 ORDER BY seq DESC LIMIT 1",
                      credential, out);
    if (e != ERR_NOT_FOUND) return e;
    return err_fail(ERR_NOT_FOUND, "registration_not_found", "GET /v1/registrations lists them.",
                    "there is no registration with credential \"%s\"", credential);
}

static enum err find_living(struct db *db, const char *cloud, const char *thing,
                            struct registration_record *out)
{
    struct query q;
    bool row;
    query_begin(&q, db,
                "SELECT " REGISTRATION_COLUMNS " FROM registration"
                " WHERE cloud = ? AND thing = ? AND thing <> '' AND lives = 1");
    query_put_text(&q, cloud);
    query_put_text(&q, thing);
    enum err e = query_next(&q, &row);
    if (row) e = read_row(&q, out);
    query_end(&q);
    if (e || row) return e;
    return err_fail(ERR_NOT_FOUND, "registration_not_found", "GET /v1/registrations lists them.",
                    "%s is not registered in \"%s\"", thing, cloud);
}

enum err store_registration_find(struct store *s, const char *cloud, const char *thing,
                                 struct registration_record *out)
{
    struct db *db;
    *out = (struct registration_record){.id = ""};
    enum err e = store_reader(s, &db);
    if (e) return e;
    e = find_living(db, cloud, thing, out);
    store_reader_done(s, db);
    return e;
}

static enum err read_blob(struct query *q, void *item)
{
    return query_get_blob(q, item);
}

enum err store_registration_secret(struct store *s, const char *id, struct buf *out)
{
    struct buf sealed;
    buf_init(&sealed, SECRET_MAX);
    const struct row_search search = {"SELECT secret FROM registration WHERE id = ?", id, read_blob,
                                      &sealed};
    enum err e = rows_find(s, &search);
    if (e == ERR_NOT_FOUND) e = registration_not_found(id);
    if (!e && sealed.len) e = store_unseal(s, kind, id, &sealed, out);
    buf_dispose(&sealed);
    return e;
}

static enum err read_number(struct query *q, void *item)
{
    *(int64_t *)item = query_get_int(q);
    return ERR_OK;
}

enum err store_registration_has_certificate(struct store *s, const char *certificate, bool *out)
{
    int64_t found = 0;
    const struct row_search search = {"SELECT EXISTS (SELECT 1 FROM registration WHERE certificate"
                                      " = ? AND certificate <> '' AND lives = 1)",
                                      certificate, read_number, &found};
    enum err e = rows_find(s, &search);
    *out = found != 0;
    return e;
}

/* A job that has begun already works at its own. */
#define REGISTRATION_OPEN                                                                          \
    " FROM registration WHERE state IN ('registering', 'registered', 'undoing')"                   \
    " AND (job = '' OR job NOT IN (SELECT id FROM job WHERE state IN ('queued', 'running')))"

static enum err read_open(struct db *db, char (**ids_out)[ID_TEXT], size_t *n_out)
{
    struct query q;
    int64_t count;
    bool row;
    enum err e = db_number(db, "SELECT count(*)" REGISTRATION_OPEN, &count);
    if (e) return e;
    char(*ids)[ID_TEXT] = calloc((size_t)count + 1, sizeof *ids);
    if (!ids) return err_set(ERR_MEM, "out of memory");
    query_begin_once(&q, db, "SELECT id" REGISTRATION_OPEN " ORDER BY seq");
    while ((int64_t)*n_out < count && !(e = query_next(&q, &row)) && row)
        query_get_text(&q, ids[(*n_out)++], ID_TEXT);
    query_end(&q);
    *ids_out = ids;
    if (!e) return ERR_OK;
    free(ids);
    *ids_out = NULL;
    *n_out = 0;
    return e;
}

enum err store_registration_open(struct store *s, char (**ids_out)[ID_TEXT], size_t *n_out)
{
    struct db *db;
    *ids_out = NULL;
    *n_out = 0;
    enum err e = store_reader(s, &db);
    if (e) return e;
    e = read_open(db, ids_out, n_out);
    store_reader_done(s, db);
    return e;
}

/* --- lists --- */

static void list_sql(const struct registration_filter *f, char out[SQL])
{
    snprintf(out, SQL,
             "SELECT " REGISTRATION_COLUMNS
             " FROM registration WHERE " ROWS_BEHIND("registration", "id") "%s%s%s%s"
                                                                           " ORDER BY seq DESC"
                                                                           " LIMIT ?2",
             f->cloud[0] ? " AND cloud = ?3" : "", f->thing[0] ? " AND thing = ?4" : "",
             f->job[0] ? " AND job = ?5 AND job <> ''" : "", f->by_state ? " AND state = ?6" : "");
}

static void put_filter(struct query *q, const void *arg)
{
    const struct registration_filter *f = arg;
    query_put_named_text(q, "?3", f->cloud);
    query_put_named_text(q, "?4", f->thing);
    query_put_named_text(q, "?5", f->job);
    query_put_named_text(
        q, "?6", registration_state_name(f->by_state ? f->state : REGISTRATION_REGISTERING));
}

static void dispose_item(void *item)
{
    registration_record_dispose(item);
}

enum err store_registration_list(struct store *s, const struct registration_filter *filter,
                                 struct store_page *page, struct registration_record **list_out,
                                 size_t *n_out)
{
    char sql[SQL];
    const struct row_list l = {.sql = sql,
                               .once = true,
                               .put = put_filter,
                               .arg = filter,
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct registration_record, id)};
    void *list;
    list_sql(filter, sql);
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
