/* aws_call: one signed request to the control plane and its answer, with all that AWS's own SDKs do
 * about it: the rate kept, keys renewed, the clock's offset learned, passing faults tried again
 * where that is safe. Blocks the calling thread; any thread.
 *
 * Errors, each with AWS's own words in err_last()->device ("ThrottlingException: Rate exceeded")
 * and a hint: aws_unreachable ERR_NETWORK   no connection, DNS, TLS: nothing was processed
 *  aws_timeout ERR_TIMEOUT       no answer, and nothing was processed, or repeating it is safe and
 *                                did not help; also where a later attempt came to nothing,
 *                                since one before may have been done
 *  aws_outcome_unknown ERR_TIMEOUT  no answer, or a 5xx, to what must not be repeated
 *  aws_clock ERR_CLOUD           the host's clock is off, also after a correction was tried
 *  aws_secret ERR_CLOUD          the signature is not accepted: wrong secret
 *  aws_key_unknown ERR_CLOUD     the access key id is not known there, or its token is missing
 *  aws_token_expired ERR_CLOUD   the session token
 *  aws_permission ERR_CLOUD      the action is not allowed; its name is in the detail
 *  aws_region ERR_CLOUD          the region does not fit the endpoint or the keys
 *  aws_throttled ERR_BUSY        also after waiting
 *  aws_quota ERR_CLOUD           a limit of the account
 *  aws_not_found ERR_NOT_FOUND, aws_exists ERR_CONFLICT, aws_conflict ERR_CONFLICT,
 *  aws_invalid ERR_ARG, aws_state ERR_CONFLICT: of single operations
 *  aws_unavailable ERR_CLOUD     5xx, also after repeating what may be repeated
 *  aws_failed ERR_CLOUD          what has no name here (status and error name in the detail)
 *  aws_bad_answer ERR_PROTOCOL   not what AWS would say: a proxy, a captive portal
 *  cancelled ERR_CANCELLED       what was being asked may have been done */
#ifndef SERVICE_CLOUD_AWS_CALL_H
#define SERVICE_CLOUD_AWS_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/cloud/aws_account.h"

enum { AWS_NAME = 64, AWS_TEXT = 512, AWS_ARN = 2049 };

struct aws_request {
    const char *operation; /* "CreateThing": for rates, metrics and messages */
    const char *action;    /* the permission that it needs: "iot:CreateThing"; NULL = none */
    const char *method;
    const char *path;      /* as it goes out: each value encoded by aws_encode() */
    const char *query;     /* encoded and sorted; "" = none */
    const char *principal; /* header x-amzn-principal; NULL = none */
    const char *form;      /* a form body (STS); NULL = none */
    json_t *body;          /* JSON body; borrowed; NULL = none */
    const char *service;   /* NULL = "iot" */
    bool once;             /* must not be repeated when its outcome is not known */
};

struct aws_answer {
    int status;
    json_t *body; /* NULL = none, or not JSON */
    char *text;   /* heap: the body as it came (secret: wiped); NULL = none */
    char request_id[AWS_NAME];
    char error[AWS_NAME]; /* "ResourceAlreadyExists", without "Exception"; "" = no error */
    char resource_id[AWS_TEXT], resource_arn[AWS_ARN]; /* of ResourceAlreadyExists; "" = unsaid */
};
void aws_answer_dispose(struct aws_answer *a);

/** @param[out] out  filled as far as there was an answer, also with an error; dispose it always
 *  @return ERR_OK (status below 300), or as above */
enum err aws_call(struct aws_account *a, const struct aws_request *r, struct cancel *cancel,
                  struct deadline until, struct aws_answer *out);

/** Percent-encode one value for a path or query: all but A-Z a-z 0-9 - _ . ~
 *  @return ERR_OK, ERR_TOO_LARGE (out is "") */
enum err aws_encode(const char *text, char *out, size_t cap);

/** What the process did so far, for figures. */
struct aws_counts {
    uint64_t calls, connections, retries, throttled;
};
void aws_counts_get(struct aws_counts *out);
#endif
