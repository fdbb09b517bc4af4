/* devices: one row per MAC with its present state, and an append-only list of what was done. */
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { ENTRIES_MAX = LIMIT_PAGE };

#define DEVICE_COLUMNS "mac, chip, first_seen_ms, last_seen_ms, credential, fingerprint"

void device_entry_dispose(struct device_entry *e)
{
    free(e->detail_json);
    *e = (struct device_entry){0};
}

struct note {
    const char *mac, *chip;
    const struct device_entry *entry;
    enum device_credential now;
};

static enum err put_device(struct db *db, const struct note *n)
{
    struct query q;
    query_begin(&q, db,
                "INSERT INTO device (mac, chip, first_seen_ms, last_seen_ms, credential,"
                " fingerprint) VALUES (?1, ?2, ?3, ?3, ?4, ?5)"
                " ON CONFLICT (mac) DO UPDATE SET"
                " chip = CASE WHEN ?2 = '' THEN chip ELSE ?2 END, last_seen_ms = ?3,"
                " credential = CASE WHEN ?6 THEN ?4 ELSE credential END,"
                " fingerprint = CASE WHEN ?6 THEN ?5 ELSE fingerprint END");
    query_put_text(&q, n->mac);
    query_put_text(&q, n->chip);
    query_put_int(&q, n->entry->at_ms);
    query_put_text(&q, n->now == DEVICE_WRITTEN ? n->entry->credential : "");
    query_put_text(&q, n->now == DEVICE_WRITTEN ? n->entry->fingerprint_sha256 : "");
    query_put_int(&q, n->now != DEVICE_KEEPS);
    return query_run(&q);
}

static enum err note(struct db *db, void *arg)
{
    const struct note *n = arg;
    const struct device_entry *entry = n->entry;
    struct query q;
    enum err e = put_device(db, n);
    if (e) return e;
    query_begin(&q, db,
                "INSERT INTO device_entry (mac, at_ms, job, slot, credential, fingerprint, method,"
                " outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query_put_text(&q, n->mac);
    query_put_int(&q, entry->at_ms);
    query_put_text(&q, entry->job);
    query_put_text(&q, entry->slot);
    query_put_text(&q, entry->credential);
    query_put_text(&q, entry->fingerprint_sha256);
    query_put_text(&q, entry->method);
    query_put_text(&q, job_state_name(entry->outcome));
    if (entry->detail_json)
        query_put_text(&q, entry->detail_json);
    else
        query_put_null(&q);
    return query_run(&q);
}

enum err store_device_note(struct store *s, const char *mac, const char *chip,
                           const struct device_entry *e, enum device_credential now)
{
    struct note n = {mac, chip ? chip : "", e, now};
    return store_write(s, note, &n);
}

static enum err forget_credential(struct db *db, void *arg)
{
    struct query q;
    query_begin(&q, db, "UPDATE device SET credential = '', fingerprint = '' WHERE mac = ?");
    query_put_text(&q, arg);
    return query_run(&q);
}

enum err store_device_forget_credential(struct store *s, const char *mac)
{
    return store_write(s, forget_credential, (void *)mac);
}

static enum err read_device(struct query *q, void *item)
{
    struct device_record *out = item;
    query_get_text(q, out->mac, sizeof out->mac);
    query_get_text(q, out->chip, sizeof out->chip);
    out->first_seen_ms = query_get_int(q);
    out->last_seen_ms = query_get_int(q);
    query_get_text(q, out->credential, sizeof out->credential);
    query_get_text(q, out->fingerprint_sha256, sizeof out->fingerprint_sha256);
    return ERR_OK;
}

static enum err read_entry(struct query *q, struct device_entry *out)
{
    char outcome[16];
    out->at_ms = query_get_int(q);
    query_get_text(q, out->job, sizeof out->job);
    query_get_text(q, out->slot, sizeof out->slot);
    query_get_text(q, out->credential, sizeof out->credential);
    query_get_text(q, out->fingerprint_sha256, sizeof out->fingerprint_sha256);
    query_get_text(q, out->method, sizeof out->method);
    query_get_text(q, outcome, sizeof outcome);
    enum err e = job_state_parse(outcome, &out->outcome);
    if (!e) e = query_get_heap(q, &out->detail_json);
    return e;
}

static void dispose_entries(struct device_entry *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        device_entry_dispose(&list[i]);
    free(list);
}

/* @return ERR_OK, or the error with nothing left to release */
static enum err get_entries(struct db *db, const char *mac, struct device_entry **out,
                            size_t *n_out)
{
    struct query q;
    bool row;
    size_t n = 0;
    struct device_entry *list = calloc(ENTRIES_MAX, sizeof *list);
    if (!list) return err_set(ERR_MEM, "out of memory");
    enum err e;
    query_begin(&q, db,
                "SELECT at_ms, job, slot, credential, fingerprint, method, outcome, detail"
                " FROM device_entry WHERE mac = ? ORDER BY seq DESC LIMIT ?");
    query_put_text(&q, mac);
    query_put_int(&q, ENTRIES_MAX);
    while (!(e = query_next(&q, &row)) && row) {
        e = read_entry(&q, &list[n]);
        if (e) break;
        n++;
    }
    query_end(&q);
    if (e) {
        dispose_entries(list, n);
        return e;
    }
    *out = list;
    *n_out = n;
    return ERR_OK;
}

enum err store_device_row(struct store *s, const char *mac, struct device_record *out)
{
    memset(out, 0, sizeof *out);
    const struct row_search search = {"SELECT " DEVICE_COLUMNS " FROM device WHERE mac = ?", mac,
                                      read_device, out};
    enum err e = rows_find(s, &search);
    if (e != ERR_NOT_FOUND) return e;
    return err_fail(ERR_NOT_FOUND, "device_not_found", "GET /v1/devices lists them.",
                    "there is no device \"%s\"", mac);
}

enum err store_device_get(struct store *s, const char *mac, struct device_record *out,
                          struct device_entry **entries_out, size_t *n_out)
{
    struct db *db;
    *entries_out = NULL;
    *n_out = 0;
    enum err e = store_device_row(s, mac, out);
    if (!e) e = store_reader(s, &db);
    if (!e) {
        e = get_entries(db, mac, entries_out, n_out);
        store_reader_done(s, db);
    }
    if (e) memset(out, 0, sizeof *out);
    return e;
}

enum err store_device_list(struct store *s, struct store_page *page,
                           struct device_record **list_out, size_t *n_out)
{
    const struct row_list l = {.sql = "SELECT " DEVICE_COLUMNS " FROM device WHERE " ROWS_BEHIND(
                                   "device", "mac") " ORDER BY seq DESC LIMIT ?2",
                               .read = read_device,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct device_record, mac)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
