/* aws_iot: the operations of AWS IoT's control plane that espgate uses, one function each. All take
 * the account, a way to stop and a time limit; errors are those of aws_call.h, and what is said
 * here. "Missing is success" where something is taken away.
 * Source: AWS service model iot 2015-05-28. */
#ifndef SERVICE_CLOUD_AWS_IOT_H
#define SERVICE_CLOUD_AWS_IOT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/cloud/aws_account.h"
#include "service/cloud/aws_call.h"

struct aws_use { /* who calls, and how long it may take */
    struct aws_account *account;
    struct cancel *cancel; /* NULL = cannot be stopped */
    struct deadline until;
};

enum { IOT_ENDPOINT = 254, IOT_CERTIFICATE_ID = 65 };

/* --- account */
/** @param account_out  12 digits */
enum err aws_caller_identity(const struct aws_use *u, char account_out[16], char arn_out[AWS_ARN]);
/** @param type  "iot:Data-ATS", "iot:CredentialProvider" … */
enum err iot_describe_endpoint(const struct aws_use *u, const char *type,
                               char endpoint_out[IOT_ENDPOINT]);

/* --- things */
struct iot_thing {
    char arn[AWS_ARN], id[AWS_NAME], type[129];
    json_t *attributes; /* object of strings; release with json_decref(); NULL = none */
};
/** @param type  "" = none @param attributes  object of strings, or NULL
 *  @return also aws_exists (with other type or attributes), aws_not_found (the type) */
enum err iot_create_thing(const struct aws_use *u, const char *name, const char *type,
                          json_t *attributes, struct iot_thing *out);
enum err iot_describe_thing(const struct aws_use *u, const char *name, struct iot_thing *out);
/** @return also aws_conflict: a principal is attached still (AWS detaches with a delay). Missing is
 * success. */
enum err iot_delete_thing(const struct aws_use *u, const char *name);
enum err iot_add_thing_to_group(const struct aws_use *u, const char *thing, const char *group);
enum err iot_remove_thing_from_group(const struct aws_use *u, const char *thing, const char *group);
/** @param out  array of ARNs; all pages */
enum err iot_list_thing_principals(const struct aws_use *u, const char *thing, json_t **out);
enum err iot_attach_thing_principal(const struct aws_use *u, const char *thing, const char *arn);
enum err iot_detach_thing_principal(const struct aws_use *u, const char *thing, const char *arn);
/** Names of the things of a certificate; all pages. */
enum err iot_list_principal_things(const struct aws_use *u, const char *arn, json_t **out);

/* --- certificates */
struct iot_certificate {
    char id[IOT_CERTIFICATE_ID], arn[AWS_ARN];
    char status[24];    /* "ACTIVE", "INACTIVE", "REVOKED" …; "" = unsaid */
    char *pem;          /* heap; NULL = unsaid */
    int64_t created_ms; /* by AWS's clock; 0 = unsaid */
};
void iot_certificate_dispose(struct iot_certificate *c);
/** Not active. Must not be repeated: aws_outcome_unknown tells that there may be one now. */
enum err iot_create_certificate(const struct aws_use *u, const char *csr_pem,
                                struct iot_certificate *out);
/** AWS makes the key, too. @param key_out  init it with buf_init_secret. As above. */
enum err iot_create_keys(const struct aws_use *u, struct iot_certificate *out, struct buf *key_out);
/** Bring one's own, not active; one that is there already is success, and @p was_there says so: it
 * may be active, and it may be an earlier try of the same call that made it.
 *  @param ca_pem  of a registered authority, or NULL: without @param out  without PEM when new
 *  @return also aws_invalid (the certificate), aws_conflict, certificate_unreadable ERR_CRYPTO */
enum err iot_register_certificate(const struct aws_use *u, const char *pem, const char *ca_pem,
                                  struct iot_certificate *out, bool *was_there);
enum err iot_describe_certificate(const struct aws_use *u, const char *id,
                                  struct iot_certificate *out);
/** @param status  "ACTIVE" or "INACTIVE" */
enum err iot_update_certificate(const struct aws_use *u, const char *id, const char *status);
/** @return also aws_conflict: something is attached still (AWS detaches with a delay); aws_state:
 * it is active. Missing is success. */
enum err iot_delete_certificate(const struct aws_use *u, const char *id);
/** Those that are INACTIVE, made at @p since_ms or later by AWS's clock, newest first; without PEM.
 * Release each with iot_certificate_dispose() and the list with free(). */
enum err iot_list_certificates(const struct aws_use *u, int64_t since_ms,
                               struct iot_certificate **list_out, size_t *n_out);

/* --- policies */
/** @return also aws_exists, aws_invalid (the document) */
enum err iot_create_policy(const struct aws_use *u, const char *name, const char *document,
                           char arn_out[AWS_ARN]);
/** @param document_out  heap */
enum err iot_get_policy(const struct aws_use *u, const char *name, char arn_out[AWS_ARN],
                        char **document_out);
/** @return also aws_conflict: attached somewhere, or has versions. Missing is success. */
enum err iot_delete_policy(const struct aws_use *u, const char *name);
/** @return also aws_not_found (the policy or the target), aws_quota */
enum err iot_attach_policy(const struct aws_use *u, const char *policy, const char *arn);
enum err iot_detach_policy(const struct aws_use *u, const char *policy, const char *arn);
/** Names of those attached to a certificate; all pages. */
enum err iot_list_attached_policies(const struct aws_use *u, const char *arn, json_t **out);
/** ARNs that it is attached to; all pages. */
enum err iot_list_policy_targets(const struct aws_use *u, const char *policy, json_t **out);

/* --- diagnosis */
enum iot_decision { IOT_ALLOWED, IOT_IMPLICIT_DENY, IOT_EXPLICIT_DENY };
struct iot_question {
    const char *action; /* "CONNECT", "PUBLISH", "SUBSCRIBE", "RECEIVE" */
    char resource[AWS_ARN];
    enum iot_decision decision; /* out */
    char policies[AWS_TEXT];    /* out: names of those that decided it, comma-separated */
};
/** May this certificate's client do that? @param n  at most 10 */
enum err iot_test_authorization(const struct aws_use *u, const char *certificate_arn,
                                const char *client_id, struct iot_question *questions, size_t n);

/* --- fleet provisioning */
/** A certificate for five minutes; it has no ARN. @param key_out  init it with buf_init_secret */
enum err iot_create_claim(const struct aws_use *u, const char *template_name,
                          struct iot_certificate *out, struct buf *key_out);
#endif
