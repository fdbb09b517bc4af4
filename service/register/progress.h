/* progress: how far a registration has come, thing by thing, as it is stored between two calls. No
 * secrets. */
#ifndef SERVICE_REGISTER_PROGRESS_H
#define SERVICE_REGISTER_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/cloud/aws_iot.h"
#include "service/register/spec.h"

/** What has become of one thing that a registration makes. */
enum fate {
    FATE_NONE,   /* it is not there by us */
    FATE_INTENT, /* about to be made: it may be there */
    FATE_MADE,   /* made by this registration */
    FATE_FOUND,  /* it was there already, and is not ours to take away */
    FATE_UNKNOWN /* it is there, and nobody could be asked by whom: told, and not taken away */
};

enum { PROGRESS_CANDIDATES = 16 };

struct progress {
    char endpoint[IOT_ENDPOINT]; /* of data; "" = not asked yet */
    char account[16];            /* 12 digits; "" = not known yet */
    enum fate thing, policy, certificate;
    enum fate groups[SPEC_GROUPS];
    enum fate policy_attached, thing_attached;
    enum fate activated;           /* INTENT and MADE: it may be, or is, active by us */
    enum fate credential;          /* espgate's own */
    char certificate_arn[AWS_ARN]; /* "" = not known */
    char key_sha256[SHA256_HEX];   /* of the public key; "" = the cloud made it, and did not say */
    int64_t asked_ms;              /* when a certificate was first asked for, by AWS's clock */
    int64_t last_asked_ms;         /* and when for the last time */
    bool again;                    /* it was asked for more than once: there may be others */
    char candidates[PROGRESS_CANDIDATES][IOT_CERTIFICATE_ID]; /* perhaps ours; their key is lost */
    size_t candidate_count;
};

/** @return heap; NULL = no memory */
char *progress_to_text(const struct progress *p);
/** @return ERR_OK; ERR_IO with code store_corrupt */
enum err progress_from_text(const char *text, struct progress *out);
#endif
