/* audit: who tried to change or to see what. */
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "service/store/audit.h"

static bool is_sequence(const char *text)
{
    return *text && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text);
}

static bool is_outcome(const char *text)
{
    static const char *const outcomes[] = {"done",      "refused",   "failed",
                                           "succeeded", "cancelled", "interrupted"};
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++)
        if (strcmp(text, outcomes[i]) == 0) return true;
    return false;
}

/* @param is_one  NULL: any text */
static enum err take(const struct request *rq, const char *name, bool (*is_one)(const char *text),
                     char *out, size_t cap)
{
    const char *asked = request_query(rq, name);
    out[0] = '\0';
    if (!asked) return ERR_OK;
    if (!*asked || strlen(asked) >= cap || (is_one && !is_one(asked)))
        return request_no_such_value(name);
    snprintf(out, cap, "%s", asked);
    return ERR_OK;
}

static enum err read_filter(const struct request *rq, struct audit_filter *f)
{
    enum err e = take(rq, "actor", NULL, f->actor, sizeof f->actor);
    if (!e) e = take(rq, "action", NULL, f->action, sizeof f->action);
    if (!e) e = take(rq, "slot", NULL, f->slot, sizeof f->slot);
    if (!e) e = take(rq, "mac", NULL, f->mac, sizeof f->mac);
    if (!e && f->mac[0] && !request_mac(f->mac, f->mac)) e = request_no_such_value("mac");
    if (!e) e = take(rq, "job", request_is_id, f->job, sizeof f->job);
    if (!e) e = take(rq, "outcome", is_outcome, f->outcome, sizeof f->outcome);
    return e;
}

struct reply handle_audit_list(struct request *rq, const struct service *svc)
{
    struct audit_filter filter;
    struct store_page page;
    struct audit_entry *list;
    size_t n;
    if (read_filter(rq, &filter) || request_page(rq, is_sequence, &page) ||
        store_audit_list(svc->store, &filter, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, audit_entry_json(&list[i]));
        audit_entry_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}
