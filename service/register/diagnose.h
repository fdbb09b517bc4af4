/* diagnose: why AWS refuses a device, which it does not say to the device itself: a message over
 * HTTPS with the device's certificate has a status, and an account can be asked what it knows of
 * the certificate, its policies and its thing. Changes nothing. */
#ifndef SERVICE_REGISTER_DIAGNOSE_H
#define SERVICE_REGISTER_DIAGNOSE_H

#include <jansson.h>
#include <stdbool.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/cloud/aws_iot.h"
#include "service/cloud/iot_publish.h"

struct diagnosis_ask {
    struct aws_account *account; /* NULL = none can be asked */
    const char *certificate;     /* its id: SHA-256 of its DER, in lower-case hex */
    const char *client_id, *topic;
    struct iot_publish publish; /* host "" = not to be tried. Its topic and payload are ours */
    struct cancel *cancel;
    struct deadline until;
};

enum diagnosis_cause {
    CAUSE_NONE, /* nothing that could be asked explains it */
    CAUSE_CERTIFICATE_UNKNOWN,
    CAUSE_CERTIFICATE_INACTIVE,
    CAUSE_NO_POLICY,
    CAUSE_THING_NOT_ATTACHED, /* the policies want the thing's name as client id */
    CAUSE_CONNECT_DENIED,
    CAUSE_SUBSCRIBE_DENIED, /* from here on it concerns the topic alone */
    CAUSE_PUBLISH_DENIED,
    CAUSE_RECEIVE_DENIED,
    CAUSES
};
enum { DIAGNOSIS_QUESTIONS = 4 };

struct diagnosis {
    enum diagnosis_cause cause;
    char status[24];    /* of the certificate; "" = not known */
    char allowed[256];  /* what the policies allow instead: "client/a, client/b*"; "" = nothing */
    char policies[256]; /* names of those attached; cut */
    char things[256];   /* names of those that the certificate is attached to; cut */
    bool has_policies;  /* are they known? */
    bool has_things;
    bool decided;                                     /* the next is known */
    enum iot_decision decisions[DIAGNOSIS_QUESTIONS]; /* connect, subscribe, publish, receive */
    char unasked[200]; /* what the account could not tell, and why; "" = it told all, or is none */
    bool published;    /* the next is known */
    struct iot_publish_result publish;
};

/** @return ERR_OK, whatever was found; ERR_CANCELLED; ERR_MEM */
enum err diagnose(const struct diagnosis_ask *ask, struct diagnosis *out);
/** What was found, for the evidence of a verdict; without what is not known. @return new reference
 */
json_t *diagnosis_to_json(const struct diagnosis *d);
#endif
