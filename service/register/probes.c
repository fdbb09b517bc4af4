#include "service/register/probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/digest.h"
#include "service/base/id.h"
#include "service/base/limits.h"
#include "service/cloud/iot_endpoint.h"

void probe_names_make(const char *region, const char *account, struct probe_names *out)
{
    char id[ID_TEXT];
    uint8_t digest[SHA256_BYTES];
    id_new("test", id);
    digest_sha256(id, strlen(id), digest);
    digest_hex(digest, sizeof digest, out->id);
    /* They begin as those do that are made here, where a permission is limited to such names. */
    snprintf(out->thing, sizeof out->thing, "esp32-%.12s", out->id);
    snprintf(out->policy, sizeof out->policy, "espgate-%.16s", out->id);
    snprintf(out->other, sizeof out->other, "espgate-none-%.16s", out->id);
    snprintf(out->arn, sizeof out->arn, "arn:%s:iot:%s:%s:cert/%s", iot_partition(region), region,
             account, out->id);
}

/* --- things --- */

static enum err describe_thing(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_thing thing;
    enum err e = iot_describe_thing(u, n->thing, &thing);
    if (!e) json_decref(thing.attributes);
    return e;
}

/* Of a type that is not there. */
static enum err create_thing(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_thing thing;
    enum err e = iot_create_thing(u, n->thing, n->other, NULL, &thing);
    if (!e) json_decref(thing.attributes);
    return e;
}

static enum err delete_thing(const struct aws_use *u, const struct probe_names *n)
{
    return iot_delete_thing(u, n->thing);
}

static enum err list_principals(const struct aws_use *u, const struct probe_names *n)
{
    json_t *list = NULL;
    enum err e = iot_list_thing_principals(u, n->thing, &list);
    json_decref(list);
    return e;
}

static enum err attach_principal(const struct aws_use *u, const struct probe_names *n)
{
    return iot_attach_thing_principal(u, n->thing, n->arn);
}

static enum err detach_principal(const struct aws_use *u, const struct probe_names *n)
{
    return iot_detach_thing_principal(u, n->thing, n->arn);
}

static enum err add_to_group(const struct aws_use *u, const struct probe_names *n)
{
    return iot_add_thing_to_group(u, n->thing, n->other);
}

static enum err remove_from_group(const struct aws_use *u, const struct probe_names *n)
{
    return iot_remove_thing_from_group(u, n->thing, n->other);
}

static enum err list_things(const struct aws_use *u, const struct probe_names *n)
{
    json_t *list = NULL;
    enum err e = iot_list_principal_things(u, n->arn, &list);
    json_decref(list);
    return e;
}

/* --- certificates --- */

/* Of what is no request. */
static enum err create_certificate(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_certificate made = {.id = ""};
    (void)n;
    enum err e = iot_create_certificate(u, "not a certificate signing request", &made);
    iot_certificate_dispose(&made);
    return e;
}

static enum err register_certificate(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_certificate made = {.id = ""};
    bool was_there;
    (void)n;
    enum err e = iot_register_certificate(u, "not a certificate", NULL, &made, &was_there);
    iot_certificate_dispose(&made);
    return e;
}

static enum err describe_certificate(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_certificate found = {.id = ""};
    enum err e = iot_describe_certificate(u, n->id, &found);
    iot_certificate_dispose(&found);
    return e;
}

static enum err update_certificate(const struct aws_use *u, const struct probe_names *n)
{
    return iot_update_certificate(u, n->id, "INACTIVE");
}

static enum err delete_certificate(const struct aws_use *u, const struct probe_names *n)
{
    return iot_delete_certificate(u, n->id);
}

/* Those of the future: the first page tells that there is none. */
static enum err list_certificates(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_certificate *list = NULL;
    size_t count = 0;
    (void)n;
    enum err e = iot_list_certificates(u, INT64_MAX, &list, &count);
    for (size_t i = 0; i < count; i++)
        iot_certificate_dispose(&list[i]);
    free(list);
    return e;
}

/* --- policies --- */

static enum err create_policy(const struct aws_use *u, const struct probe_names *n)
{
    char arn[AWS_ARN];
    return iot_create_policy(u, n->policy, "not a policy", arn);
}

static enum err get_policy(const struct aws_use *u, const struct probe_names *n)
{
    char arn[AWS_ARN], *document = NULL;
    enum err e = iot_get_policy(u, n->policy, arn, &document);
    free(document);
    return e;
}

static enum err delete_policy(const struct aws_use *u, const struct probe_names *n)
{
    return iot_delete_policy(u, n->policy);
}

static enum err attach_policy(const struct aws_use *u, const struct probe_names *n)
{
    return iot_attach_policy(u, n->policy, n->arn);
}

static enum err detach_policy(const struct aws_use *u, const struct probe_names *n)
{
    return iot_detach_policy(u, n->policy, n->arn);
}

static enum err list_attached(const struct aws_use *u, const struct probe_names *n)
{
    json_t *list = NULL;
    enum err e = iot_list_attached_policies(u, n->arn, &list);
    json_decref(list);
    return e;
}

static enum err list_targets(const struct aws_use *u, const struct probe_names *n)
{
    json_t *list = NULL;
    enum err e = iot_list_policy_targets(u, n->policy, &list);
    json_decref(list);
    return e;
}

/* --- what some need --- */

static enum err test_authorization(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_question question = {.action = "CONNECT"};
    snprintf(question.resource, sizeof question.resource, "%.*sclient/%s",
             (int)(strstr(n->arn, "cert/") - n->arn), n->arn, n->thing);
    return iot_test_authorization(u, n->arn, n->thing, &question, 1);
}

static enum err create_claim(const struct aws_use *u, const struct probe_names *n)
{
    struct iot_certificate made = {.id = ""};
    struct buf key;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    enum err e = iot_create_claim(u, n->other, &made, &key);
    iot_certificate_dispose(&made);
    buf_dispose(&key);
    return e;
}

static const char groups[] = "registrations with groups";
static const char diagnosis[] = "the diagnosis of refused connections";
const struct probe probes[] = {
    {"iot:DescribeThing", NULL, describe_thing},
    {"iot:CreateThing", NULL, create_thing},
    {"iot:DeleteThing", NULL, delete_thing},
    {"iot:ListThingPrincipals", NULL, list_principals},
    {"iot:CreatePolicy", NULL, create_policy},
    {"iot:GetPolicy", NULL, get_policy},
    {"iot:DeletePolicy", NULL, delete_policy},
    {"iot:CreateCertificateFromCsr", NULL, create_certificate},
    {"iot:DescribeCertificate", NULL, describe_certificate},
    {"iot:ListCertificates", NULL, list_certificates},
    {"iot:UpdateCertificate", NULL, update_certificate},
    {"iot:DeleteCertificate", NULL, delete_certificate},
    {"iot:AttachPolicy", NULL, attach_policy},
    {"iot:DetachPolicy", NULL, detach_policy},
    {"iot:AttachThingPrincipal", NULL, attach_principal},
    {"iot:DetachThingPrincipal", NULL, detach_principal},
    {"iot:ListTargetsForPolicy", "undos of what shares its policy", list_targets},
    {"iot:ListPrincipalThings", diagnosis, list_things},
    {"iot:ListAttachedPolicies", diagnosis, list_attached},
    {"iot:TestAuthorization", diagnosis, test_authorization},
    {"iot:AddThingToThingGroup", groups, add_to_group},
    {"iot:RemoveThingFromThingGroup", groups, remove_from_group},
    {"iot:RegisterCertificateWithoutCA", "registrations of certificates from elsewhere",
     register_certificate},
    {"iot:CreateProvisioningClaim", "registrations by claim", create_claim},
};
const size_t probe_count = sizeof probes / sizeof *probes;

enum probe_end probe_judge(enum err e)
{
    static const char *const passed[] = {"aws_not_found", "aws_invalid", "aws_exists",
                                         "aws_conflict", "aws_state"};
    if (!e) return PROBE_ALLOWED;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (err_is(e, passed[i])) return PROBE_ALLOWED;
    return err_is(e, "aws_permission") ? PROBE_DENIED : PROBE_UNKNOWN;
}
