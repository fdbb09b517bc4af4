/* devices: the record of every board that was seen, as JSON or, the list, as CSV. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"

enum { CSV_MAX = 1024 * 1024 };

/* In quotes (RFC 4180), since it is whatever somebody wrote into a certificate. What a spreadsheet
 * would take for a formula gets an apostrophe, which makes it text there. */
static void csv_text(struct buf *out, const char *text)
{
    buf_puts(out, *text && strchr("=+-@\t\r", *text) ? "\"'" : "\"");
    for (; *text; text++)
        buf_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    buf_puts(out, "\"");
}

/* The others are words of our own making, and need no quotes. */
static void csv_row(struct buf *out, const struct device_record *d)
{
    char first[CLOCK_TEXT], last[CLOCK_TEXT];
    buf_printf(out, "%s,%s,%s,%s,%s,%s,", d->mac, d->chip, clock_format(d->first_seen_ms, first),
               clock_format(d->last_seen_ms, last), d->credential, d->fingerprint_sha256);
    csv_text(out, d->common_name);
    buf_printf(out, ",%s,%s\r\n", d->slot, job_state_name(d->outcome));
}

static struct reply csv(const struct request *rq, const struct device_record *list, size_t n,
                        const char *next)
{
    struct buf text;
    buf_init(&text, CSV_MAX);
    buf_puts(&text, "mac,chip,first_seen,last_seen,credential,fingerprint_sha256,"
                    "common_name,slot,outcome\r\n");
    for (size_t i = 0; i < n; i++)
        csv_row(&text, &list[i]);
    if (buf_ok(&text)) return reply_error(rq);
    struct reply r = reply_bytes(200, "text/csv; charset=utf-8; header=present", &text);
    reply_link_next(&r, rq, next);
    return r;
}

static struct reply json(const struct request *rq, const struct device_record *list, size_t n,
                         const char *next)
{
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(items, json_out_device(&list[i]));
    return reply_list(rq, items, next);
}

static bool is_mac(const char *text)
{
    char ignored[REQUEST_MAC];
    return request_mac(text, ignored);
}

struct reply handle_device_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct device_record *list = NULL;
    const char *text = request_query(rq, "q");
    size_t n;
    if (request_page(rq, is_mac, &page) ||
        store_device_list(svc->store, text ? text : "", &page, &list, &n))
        return reply_error(rq);
    bool as_csv = field_accept_prefers(rq->accept, "text/csv", "application/json");
    struct reply r = as_csv ? csv(rq, list, n, page.next) : json(rq, list, n, page.next);
    reply_header(&r, "Vary", "Accept");
    free(list);
    return r;
}

struct reply handle_device_get(struct request *rq, const struct service *svc)
{
    struct device_record device;
    struct device_entry *entries = NULL;
    size_t n = 0;
    char mac[ROUTE_VAR_MAX + 1];
    snprintf(mac, sizeof mac, "%s", request_var(rq, "mac"));
    request_mac(mac, mac);
    if (store_device_get(svc->store, mac, &device, &entries, &n)) return reply_error(rq);
    json_t *history = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(history, json_out_device_entry(&entries[i]));
        device_entry_dispose(&entries[i]);
    }
    free(entries);
    json_t *out = json_out_device(&device);
    json_object_set_new(out, "history", history);
    return reply_json(200, out);
}
