/* aws_error: what an answer of AWS's that is not a success means, and how espgate says it.
 * Pure. */
#ifndef SERVICE_CLOUD_AWS_ERROR_H
#define SERVICE_CLOUD_AWS_ERROR_H

#include <jansson.h>
#include <stdbool.h>

#include "service/cloud/aws_call.h"

enum aws_meaning {
    AWS_OTHER,
    AWS_STRANGE, /* not AWS's words at all */
    AWS_THROTTLED,
    AWS_SERVER, /* 5xx */
    AWS_SIGNATURE,
    AWS_CLOCK,
    AWS_SERVICE_NAME, /* of the signature: aws_said.service is the right one */
    AWS_REGION_NAME,  /* of the signature */
    AWS_KEY,
    AWS_TOKEN_ENDED,
    AWS_PERMISSION,
    AWS_QUOTA,
    AWS_NOT_FOUND,
    AWS_EXISTS,
    AWS_CONFLICT,
    AWS_STATE,
    AWS_INVALID,
};

enum { AWS_SERVICE = 33 };

struct aws_said {
    enum aws_meaning meaning;
    char name[AWS_NAME];       /* "ThrottlingException"; "" = none */
    char text[AWS_TEXT];       /* printable, without what it may repeat of the request */
    char request_id[AWS_NAME]; /* by which AWS's support finds it; "" = unsaid */
    char service[AWS_SERVICE]; /* with AWS_SERVICE_NAME */
    char resource_id[AWS_TEXT], resource_arn[AWS_ARN]; /* "" = unsaid */
};

struct aws_refusal {               /* as it came; NULL = was not there */
    int status;                    /* 300 or more */
    const char *type, *request_id; /* headers x-amzn-ErrorType, x-amzn-RequestId */
    const char *text;              /* the body */
    const json_t *json;            /* the body, where it is JSON */
};
void aws_error_read(const struct aws_refusal *r, struct aws_said *out);
/** The error that it is, as aws_call.h lists them. @return its kind */
enum err aws_error_raise(const struct aws_said *s, const struct aws_request *r, int status);
/** Keep AWS's words with the error of this thread. @return @p e */
enum err aws_error_device(enum err e, const struct aws_said *s);
/** "ResourceAlreadyExistsException" without its end. */
void aws_error_short(const char *name, char out[AWS_NAME]);
#endif
