/* events: what happens, as it happens, by Server-Sent Events. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/stream_hub.h"

enum { EVENT_ID_DIGITS = 18 };

static enum err bad_id(void)
{
    return err_fail(ERR_ARG, "bad_last_event_id", "Send the id of an event that you have had.",
                    "Last-Event-ID is a whole number");
}

/* The field is what a client says when it comes back; it wins over the parameter, which is still in
 * its address. @param[out] out  left alone when neither was sent */
static enum err read_after(const struct request *rq, int64_t *out)
{
    const char *text = rq->last_event_id;
    if (!text || !*text) text = request_query(rq, "last_event_id");
    if (!text) return ERR_OK;
    size_t n = strlen(text);
    if (!n || n > EVENT_ID_DIGITS) return bad_id();
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i])) return bad_id();
    *out = strtoll(text, NULL, 10);
    return ERR_OK;
}

/* "job.ended,job.step" */
static enum err read_types(const struct request *rq, unsigned *out)
{
    const char *text = request_query(rq, "types");
    for (size_t n; text; text = text[n] ? text + n + 1 : NULL) {
        char type[sizeof((struct event_record *)0)->type] = "";
        n = strcspn(text, ",");
        if (n < sizeof type) memcpy(type, text, n);
        unsigned bit = event_type_bit(type);
        if (!bit) return request_no_such_value("types");
        *out |= bit;
    }
    return ERR_OK;
}

/* Programs on this computer are not counted: they may speak for many clients, as a proxy does. */
static void count_address(const struct request *rq, struct stream_wish *w)
{
    const char *address = rq->peer ? rq->peer->address : "";
    bool is_local = strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
                    strcmp(address, "local") == 0;
    if (is_local) return;
    snprintf(w->address, sizeof w->address, "%s", address);
}

static enum err read_wish(const struct request *rq, struct stream_wish *w)
{
    const char *slot = request_query(rq, "slot");
    if (slot && !id_is_name(slot, sizeof w->slot - 1)) return request_no_such_value("slot");
    snprintf(w->slot, sizeof w->slot, "%s", slot ? slot : "");
    count_address(rq, w);
    memcpy(w->token, rq->actor.token, sizeof w->token);
    enum err e = read_after(rq, &w->after);
    return e ? e : read_types(rq, &w->types);
}

static struct reply open_stream(const struct request *rq, const struct service *svc,
                                const struct stream_wish *w)
{
    struct stream *stream;
    /* libmicrohttpd ends also an answer without a body by the mark that ends a body of unknown
     * length; the client would take it for the beginning of the next answer. */
    if (rq->head) return reply_stream(NULL);
    if (stream_open(svc->streams, w, &stream)) return reply_error(rq);
    return reply_stream(stream);
}

struct reply handle_events(struct request *rq, const struct service *svc)
{
    struct stream_wish w = {.after = STREAM_FROM_NOW};
    if (read_wish(rq, &w)) return reply_error(rq);
    return open_stream(rq, svc, &w);
}

/* Is there something of an ended job to tell? */
static enum err has_more(const struct service *svc, const struct stream_wish *w, bool *out)
{
    struct event_record *list;
    size_t n;
    enum err e = store_event_list(svc->store, w->job, w->after, INT64_MAX, 1, &list, &n);
    *out = n > 0;
    if (n) event_record_dispose(&list[0]);
    free(list);
    return e;
}

struct reply handle_job_events(struct request *rq, const struct service *svc)
{
    struct stream_wish w = {.after = 0}; /* from the job's beginning */
    struct job_record job = {.id = ""};
    const char *id = request_var(rq, "id");
    bool more = true;
    enum err e = jobs_get(svc->jobs, id, &job);
    if (!e) e = read_wish(rq, &w);
    snprintf(w.job, sizeof w.job, "%s", job.id);
    w.finite = job_state_is_final(job.state);
    job_record_dispose(&job);
    if (!e && w.finite) e = has_more(svc, &w, &more);
    if (e) return reply_error(rq);
    /* An EventSource that is told 204 does not come back. */
    return more ? open_stream(rq, svc, &w) : reply_empty(204);
}
