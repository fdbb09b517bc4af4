/* sigv4: AWS Signature Version 4 in the Authorization header. Pure. Done here since libcurl's own
 * signs what it is given without bringing it into canonical form: wrong for paths with %XX, for
 * queries that are not sorted, and differently in each version. */
#ifndef SERVICE_CLOUD_SIGV4_H
#define SERVICE_CLOUD_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"

struct sigv4_header {
    const char *name, *value; /* as sent */
};

/** What is signed: just as it goes out. */
struct sigv4_request {
    const char *method;
    const char *path;                   /* encoded; "" counts as "/" */
    bool path_as_is;                    /* keep dot segments and double slashes, as S3 does */
    const char *query;                  /* encoded, without "?"; in any order; "" = none */
    const struct sigv4_header *headers; /* all of them are signed */
    size_t n_headers;
    const void *body;
    size_t body_len;
};

enum { SIGV4_TIME = 17, SIGV4_HEADERS = 32 };

/** Who signs, and for whom. */
struct sigv4_scope {
    const char *access_key_id, *secret_access_key;
    const char *region, *service;
    char time[SIGV4_TIME]; /* 20260115T120000Z, the value of X-Amz-Date */
};

/** @return @p out */
const char *sigv4_time(int64_t unix_s, char out[SIGV4_TIME]);

/** Percent-encode @p n bytes: all but A-Z a-z 0-9 - _ . ~ and @p keep ('\0' = nothing else).
 *  @return ERR_OK, ERR_TOO_LARGE, ERR_MEM */
enum err sigv4_encode(const char *text, size_t n, char keep, struct buf *out);
/** The canonical request. It holds every header's value, a session token's too.
 *  @return ERR_OK; ERR_ARG: too many headers or parameters; ERR_MEM, ERR_TOO_LARGE */
enum err sigv4_canonical(const struct sigv4_request *r, struct buf *out);
/** Its hash and what else is signed. No secret. @return as above */
enum err sigv4_string_to_sign(const struct sigv4_request *r, const struct sigv4_scope *s,
                              struct buf *out);
/** The value of the header Authorization. @return as above */
enum err sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s,
                             struct buf *out);
#endif
