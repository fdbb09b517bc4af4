/* request: what a handler sees of a request. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/peer.h"
#include "api/route.h"
#include "api/wait.h"
#include "service/access/actor.h"
#include "service/base/buf.h"
#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/store/store.h"

enum { REQUEST_ID_MAX = 40, REQUEST_QUERY_MAX = 8, REQUEST_MAC = 18 };

struct request {
    char id[REQUEST_ID_MAX + 1]; /* X-Request-Id: the client's, or made here */
    char path[256];              /* as sent, printable, cut to fit: for messages */
    const struct peer *peer;     /* of the connection; borrowed. NULL in tests of a handler alone */
    struct actor actor;
    struct route_match match;
    bool head; /* only the header of the answer is wanted */
    struct {
        char name[24], value[160];
    } query[REQUEST_QUERY_MAX];
    size_t query_count;
    /* header fields, borrowed; NULL = not sent */
    const char *content_type, *accept, *accept_encoding, *prefer, *if_match, *if_none_match,
        *request_id, *idempotency_key, *last_event_id;
    const char *authorization, *origin, *host;
    bool foreign;           /* sent by a page of a listed origin */
    struct buf body;        /* may hold keys or passwords: wiped */
    struct body_file *file; /* instead of it where the row has BODY_STREAM; borrowed */
    /* with an Idempotency-Key: digests of who asked with which key, and of what was asked for */
    char idempotency[SHA256_HEX], body_digest[SHA256_HEX];
    bool answer_is_job; /* both are in the record of the job that was made */
    /* a reply that waited (reply_later) */
    char job[ID_TEXT];
    enum wait_end woken; /* why it goes on now */
};

/** Value of the path's variable @p name; "" when the template has none of that name. */
const char *request_var(const struct request *rq, const char *name);
/** Value of a query parameter, NULL when it was not sent. */
const char *request_query(const struct request *rq, const char *name);
/** Add one, still percent-encoded (@p value NULL: none). @return ERR_OK; ERR_ARG with code
 * bad_query: not a parameter of this operation, sent twice, malformed */
enum err request_add_query(struct request *rq, const char *name, const char *value);

/** A whole number. @p out is left alone when it was not sent. @return ERR_OK; ERR_ARG with code
 * bad_query */
enum err request_query_number(const struct request *rq, const char *name, long min, long max,
                              long *out);
/** true or false, the same way. */
enum err request_query_bool(const struct request *rq, const char *name, bool *out);
/** @return ERR_ARG with code bad_query: a query parameter that chooses has a value that is none */
enum err request_no_such_value(const char *name);
/** limit and cursor of a list.
 *  @param is_one  can this text be the id of an item of the list, and so a cursor of ours?
 *  @return ERR_OK; ERR_ARG with code bad_query */
enum err request_page(const struct request *rq, bool (*is_one)(const char *text),
                      struct store_page *out);
/** If-Match and If-None-Match of a change.
 *  @param what  "slot": for the message
 *  @param etag  of what is there now, NULL = nothing
 *  @param stored  false: it is there, but nobody made it, so that a client may still be the first
 *  @return ERR_OK; ERR_CONFLICT with code precondition_failed */
enum err request_check_match(const struct request *rq, const char *what, const char *etag,
                             bool stored);
/** The body as a JSON object; json_decref() it. @return ERR_OK; ERR_ARG with code bad_json */
enum err request_json(const struct request *rq, json_t **out);
/** 64 and more bits of caution: an id is a short word; what cannot be one is not looked up. */
bool request_is_id(const char *text);
/** The same with the beginning that all ids of a kind have, "job_". */
bool request_is_id_of(const char *text, const char *kind);
/** A board's MAC with colons; labels have it in capitals, records in small letters.
 *  @param out  may be @p text; left alone when it is none */
bool request_mac(const char *text, char out[REQUEST_MAC]);
#endif
