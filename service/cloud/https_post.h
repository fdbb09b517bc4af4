/* https_post: small bodies to other people's servers, several at a time, on the caller's thread
 * alone. The server's certificate is checked, redirects are not followed, of the answer only its
 * status counts, unless more is asked for. Proxies are taken from the environment (https_proxy,
 * no_proxy), as curl does. */
#ifndef SERVICE_CLOUD_HTTPS_POST_H
#define SERVICE_CLOUD_HTTPS_POST_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

struct poster; /* opaque */

/** Loads libcurl. @return ERR_OK; ERR_UNSUPPORTED with code no_libcurl; ERR_MEM */
enum err poster_open(struct poster **out);
/** Gives up what is on its way. NULL allowed. */
void poster_close(struct poster *p);

enum { POST_HEADERS = 8, POST_ANSWER = 64 * 1024 };

struct post_answer {
    struct buf body; /* init it with at most POST_ANSWER, secret where it may be; a longer one is no
                        answer */
    char error_type[128]; /* header x-amzn-ErrorType; "" = none */
};

struct post {
    const char *url;
    bool local;         /* past any proxy */
    const char *ca_pem; /* whom to trust instead of the system's authorities; NULL = those */
    const char *certificate_pem, *key_pem; /* our own; NULL = none. Both must stay until its end */
    const char *headers[POST_HEADERS];     /* "Name: value"; ends with NULL when there are fewer */
    const char *body;                      /* NULL = none: GET */
    size_t body_len;
    long timeout_ms;            /* for all of it */
    struct post_answer *answer; /* must stay until its end; NULL = only the status counts */
};
/** Begin. What @p post points to may go afterwards. @param owner  comes back with the result
 *  @return ERR_OK, ERR_MEM, ERR_NETWORK */
enum err poster_send(struct poster *p, const struct post *post, void *owner);

struct post_result {
    void *owner;
    int status;        /* of the answer; 0 = there was none */
    int retry_after_s; /* what it asked for; 0 = nothing */
    char error[256];   /* why there was no answer; "" = there was one */
};
/** Work until one post has ended, until @p until, or until @p wake_fd is readable.
 *  @return true when *out is filled: there may be more */
bool poster_wait(struct poster *p, int wake_fd, struct deadline until, struct post_result *out);

/** One alone. @p p's timeout_ms is not used.
 *  @return ERR_OK: *out tells, whatever it was; ERR_CANCELLED; ERR_MEM; ERR_NETWORK (not even
 * begun); ERR_UNSUPPORTED with code no_libcurl */
enum err post_once(const struct post *post, struct cancel *cancel, struct deadline until,
                   struct post_result *out);

/** Is this what post.ca_pem may be: certificates in PEM and nothing that cannot be read?
 *  @return ERR_OK; ERR_CRYPTO with code bad_ca */
enum err post_ca_check(const char *pem);
#endif
