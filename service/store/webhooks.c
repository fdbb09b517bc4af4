/* webhooks: the secret is sealed under "webhook:<id>". */
#include "service/store/webhooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { STATES_TEXT = 80 };

#define WEBHOOK_COLUMNS "id, created_ms, url, ca, slot, states"

static const char kind[] = "webhook";

void webhook_record_dispose(struct webhook_record *r)
{
    free(r->ca_pem);
    *r = (struct webhook_record){.id = ""};
}

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "webhook_not_found", "GET /v1/webhooks lists them.",
                    "there is no webhook \"%s\"", id);
}

/* Each name between blanks, so that one can be looked for with its blanks. */
static const char *states_text(unsigned states, char out[STATES_TEXT])
{
    size_t n = 0;
    out[0] = '\0';
    for (unsigned s = JOB_QUEUED; s <= JOB_INTERRUPTED; s++)
        if (states >> s & 1)
            n += (size_t)snprintf(out + n, STATES_TEXT - n, "%s%s ", n ? "" : " ",
                                  job_state_name((enum job_state)s));
    return out;
}

static unsigned states_of(const char *text)
{
    unsigned states = 0;
    for (unsigned s = JOB_QUEUED; s <= JOB_INTERRUPTED; s++) {
        char name[16];
        snprintf(name, sizeof name, " %s ", job_state_name((enum job_state)s));
        if (strstr(text, name)) states |= 1U << s;
    }
    return states;
}

static enum err insert(struct db *db, void *arg)
{
    const struct sealed_row *row = arg;
    const struct webhook_record *r = row->record;
    struct query q;
    int64_t count;
    char states[STATES_TEXT];
    enum err e = db_number(db, "SELECT count(*) FROM webhook", &count);
    if (e) return e;
    if (count >= LIMIT_WEBHOOKS)
        return err_fail(ERR_CONFLICT, "too_many_webhooks", "Delete one that nobody needs.",
                        "there are %d webhooks already", LIMIT_WEBHOOKS);
    query_begin(&q, db,
                "INSERT INTO webhook (" WEBHOOK_COLUMNS ", secret) VALUES (?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, r->id);
    query_put_int(&q, r->created_ms);
    query_put_text(&q, r->url);
    query_put_text(&q, r->ca_pem);
    query_put_text(&q, r->slot);
    query_put_text(&q, states_text(r->states, states));
    query_put_blob(&q, row->sealed->data, row->sealed->len);
    return query_run(&q);
}

enum err store_webhook_add(struct store *s, const struct webhook_record *r, const void *secret,
                           size_t n)
{
    return store_put_sealed(s, kind, r->id, secret, n, insert, r);
}

static enum err read_row(struct query *q, void *item)
{
    struct webhook_record *out = item;
    char states[STATES_TEXT];
    query_get_text(q, out->id, sizeof out->id);
    out->created_ms = query_get_int(q);
    query_get_text(q, out->url, sizeof out->url);
    enum err e = query_get_heap(q, &out->ca_pem);
    query_get_text(q, out->slot, sizeof out->slot);
    query_get_text(q, states, sizeof states);
    out->states = states_of(states);
    if (!e && !out->ca_pem[0]) {
        free(out->ca_pem);
        out->ca_pem = NULL;
    }
    return e;
}

enum err store_webhook_get(struct store *s, const char *id, struct webhook_record *out)
{
    *out = (struct webhook_record){.id = ""};
    const struct row_search search = {"SELECT " WEBHOOK_COLUMNS " FROM webhook WHERE id = ?", id,
                                      read_row, out};
    enum err e = rows_find(s, &search);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_webhook_secret(struct store *s, const char *id, struct buf *secret_out)
{
    enum err e = store_sealed(s, "SELECT secret FROM webhook WHERE id = ?", kind, id, secret_out);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

enum err store_webhook_delete(struct store *s, const char *id)
{
    enum err e = store_delete(s, "DELETE FROM webhook WHERE id = ?", id);
    return e == ERR_NOT_FOUND ? not_found(id) : e;
}

static void dispose_item(void *item)
{
    webhook_record_dispose(item);
}

enum err store_webhook_list(struct store *s, struct store_page *page,
                            struct webhook_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " WEBHOOK_COLUMNS " FROM webhook WHERE " ROWS_BEHIND(
                                   "webhook", "id") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_row,
                               .dispose = dispose_item,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct webhook_record, id)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}

bool store_has_webhooks(struct store *s)
{
    struct db *db;
    int64_t count = 1;
    if (store_reader(s, &db)) return true;
    (void)db_number(db, "SELECT EXISTS (SELECT 1 FROM webhook)", &count);
    store_reader_done(s, db);
    return count != 0;
}
