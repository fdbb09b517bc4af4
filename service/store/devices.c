/* devices: one row per MAC with its present state, and an append-only list of what was done. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/rows.h"

enum { ENTRIES_MAX = LIMIT_PAGE, SEARCH = 512 };

#define DEVICE_COLUMNS                                                                             \
    "mac, chip, first_seen_ms, last_seen_ms, credential, fingerprint, common_name, slot, outcome"

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
    query_begin(
        &q, db,
        "INSERT INTO device (mac, chip, first_seen_ms, last_seen_ms, credential,"
        " fingerprint, common_name, slot, outcome)"
        " VALUES (?1, ?2, ?3, ?3, ?4, ?5, coalesce((SELECT iif(json_valid(meta), meta, '{}')"
        " ->> '$.common_name' FROM credential WHERE id = ?4), ''),"
        " ?7, ?8)"
        " ON CONFLICT (mac) DO UPDATE SET"
        " chip = CASE WHEN ?2 = '' THEN chip ELSE ?2 END, last_seen_ms = ?3,"
        " credential = CASE WHEN ?6 THEN ?4 ELSE credential END,"
        " fingerprint = CASE WHEN ?6 THEN ?5 ELSE fingerprint END,"
        " common_name = CASE WHEN ?6 THEN excluded.common_name ELSE common_name END,"
        " slot = ?7, outcome = ?8");
    query_put_text(&q, n->mac);
    query_put_text(&q, n->chip);
    query_put_int(&q, n->entry->at_ms);
    query_put_text(&q, n->now == DEVICE_WRITTEN ? n->entry->credential : "");
    query_put_text(&q, n->now == DEVICE_WRITTEN ? n->entry->fingerprint_sha256 : "");
    query_put_int(&q, n->now != DEVICE_KEEPS);
    query_put_text(&q, n->entry->slot);
    query_put_text(&q, job_state_name(n->entry->outcome));
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
    query_begin(&q, db,
                "UPDATE device SET credential = '', fingerprint = '', common_name = ''"
                " WHERE mac = ?");
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
    query_get_text(q, out->common_name, sizeof out->common_name);
    query_get_text(q, out->slot, sizeof out->slot);
    char outcome[16];
    query_get_text(q, outcome, sizeof outcome);
    return job_state_parse(outcome, &out->outcome);
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

/* What is looked for, as the statement wants it. */
struct wanted {
    char text[SEARCH]; /* in small letters */
    char hex[SEARCH];  /* the same without separators, when it may be part of a MAC; else "" */
};

static struct wanted want(const char *text)
{
    struct wanted w = {.text = ""};
    size_t n = 0;
    bool hex = true;
    for (size_t i = 0; text[i] && i + 1 < sizeof w.text; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        w.text[i] = c;
        if (c == ':' || c == '-') continue;
        hex = hex && isxdigit((unsigned char)c);
        w.hex[n++] = c;
    }
    if (!hex) w.hex[0] = '\0';
    return w;
}

static void put_wanted(struct query *q, const void *arg)
{
    const struct wanted *w = arg;
    query_put_named_text(q, "?3", w->text);
    query_put_named_text(q, "?4", w->hex);
}

#define DEVICES      "SELECT " DEVICE_COLUMNS " FROM device WHERE " ROWS_BEHIND("device", "mac")
#define NEWEST_FIRST " ORDER BY seq DESC LIMIT ?2"

/* Not LIKE: for that some characters are no text. */
static const char all[] = DEVICES NEWEST_FIRST;
static const char found[] =
    DEVICES " AND (?4 <> '' AND (instr(replace(mac, ':', ''), ?4) OR instr(fingerprint, ?4) = 1)"
            " OR instr(chip, ?3) OR instr(lower(common_name), ?3) OR instr(lower(slot), ?3)"
            " OR instr(credential, ?3) = 1 OR credential IN (SELECT credential FROM registration"
            " WHERE credential <> '' AND instr(lower(thing), ?3)))" NEWEST_FIRST;

enum err store_device_list(struct store *s, const char *text, struct store_page *page,
                           struct device_record **list_out, size_t *n_out)
{
    const struct wanted w = want(text);
    const struct row_list l = {.sql = text[0] ? found : all,
                               .put = put_wanted,
                               .arg = &w,
                               .read = read_device,
                               .item_bytes = sizeof **list_out,
                               .id_at = offsetof(struct device_record, mac)};
    void *list;
    enum err e = rows_list(s, &l, page, &list, n_out);
    *list_out = list;
    return e;
}
