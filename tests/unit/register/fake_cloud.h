/* fake_cloud: an account at a cloud in memory, in the place of service/cloud/aws_iot_*.c. Of each
 * call it can be said that the process ends before it is done, or before its answer comes; and of
 * single ones that their answer is lost, or that they fail. */
#ifndef TESTS_UNIT_REGISTER_FAKE_CLOUD_H
#define TESTS_UNIT_REGISTER_FAKE_CLOUD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/pki/authority.h"
#include "service/pki/certificate.h"
#include "service/pki/csr.h"
#include "service/cloud/aws_iot.h"

enum { FAKE_MANY = 16, FAKE_PEM = 4096 };
#define FAKE_ARN "arn:aws:iot:us-east-2:123456789012:"

static struct {
    struct fake_thing {
        char name[129], type[129];
        json_t *attributes;
    } things[FAKE_MANY];
    struct fake_certificate {
        char id[65], pem[FAKE_PEM], status[24], policy[129], thing[129];
        int detaching; /* so many times it cannot be deleted yet */
    } certificates[FAKE_MANY];
    struct fake_policy {
        char name[129], document[2049];
    } policies[FAKE_MANY];

    int calls;      /* so far */
    int end_at;     /* the process ends at this one; 0 = never */
    bool end_after; /* once it is done, but its answer is lost */
    bool ended;
    const char *fail_operation, *fail_code; /* this one fails so, once … */
    enum err fail_kind;
    bool fail_done; /* … although it was done */
    int detach_delay;
    int created; /* certificates that were ever made */
    struct buf root_key, root;
} cloud;

/* --- for tests --- */

static void cloud_start(void)
{
    struct subject subject = {.parts = {[SUBJECT_CN] = "cloud"}};
    struct certificate_info info;
    const struct authority_spec spec = {KEY_P256, &subject, clock_now_ms() / 1000, 365};
    memset(&cloud, 0, sizeof cloud);
    buf_init_secret(&cloud.root_key, FAKE_PEM);
    buf_init(&cloud.root, FAKE_PEM);
    if (authority_make(&spec, &cloud.root_key, &cloud.root, &info)) abort();
}

static void cloud_clear(void)
{
    for (int i = 0; i < FAKE_MANY; i++)
        json_decref(cloud.things[i].attributes);
    memset(cloud.things, 0, sizeof cloud.things);
    memset(cloud.certificates, 0, sizeof cloud.certificates);
    memset(cloud.policies, 0, sizeof cloud.policies);
    cloud.calls = cloud.end_at = cloud.detach_delay = cloud.created = 0;
    cloud.ended = cloud.end_after = false;
    cloud.fail_operation = NULL;
}

static void cloud_stop(void)
{
    cloud_clear();
    buf_dispose(&cloud.root_key);
    buf_dispose(&cloud.root);
}

#define COUNT(list, member, out)                                                                   \
    for (int i_ = (out = 0); i_ < FAKE_MANY; i_++)                                                 \
    out += cloud.list[i_].member[0] != '\0'

/* --- how a call goes --- */

enum turn { DONE, NOT_DONE, DONE_UNHEARD };

static enum err say(enum turn t)
{
    if (t == DONE) return ERR_OK;
    if (cloud.ended) return err_fail(ERR_CANCELLED, "cancelled", NULL, "the process ended");
    enum err e = err_fail(cloud.fail_kind, cloud.fail_code, NULL, "as the test wants it");
    return e;
}

static enum turn turn(const char *operation)
{
    if (cloud.ended) return NOT_DONE;
    cloud.calls++;
    if (cloud.end_at && cloud.calls == cloud.end_at) {
        cloud.ended = true;
        return cloud.end_after ? DONE_UNHEARD : NOT_DONE;
    }
    if (cloud.fail_operation && strcmp(cloud.fail_operation, operation) == 0) {
        cloud.fail_operation = NULL;
        return cloud.fail_done ? DONE_UNHEARD : NOT_DONE;
    }
    return DONE;
}

static enum err refuse(enum err e, const char *code)
{
    return err_fail(e, code, NULL, "said by the cloud");
}

static enum err missing(void)
{
    return refuse(ERR_NOT_FOUND, "aws_not_found");
}

/* One by its name, or a free one for "". */
#define FIND(list, member, what, out)                                                              \
    do {                                                                                           \
        (out) = NULL;                                                                              \
        for (int i_ = 0; i_ < FAKE_MANY && !(out); i_++)                                           \
            if (strcmp(cloud.list[i_].member, what) == 0) (out) = &cloud.list[i_];                 \
    } while (0)

static struct fake_thing *thing_of(const char *name)
{
    struct fake_thing *t;
    FIND(things, name, name, t);
    return t;
}

static struct fake_policy *policy_of(const char *name)
{
    struct fake_policy *p;
    FIND(policies, name, name, p);
    return p;
}

static struct fake_certificate *certificate_of(const char *id)
{
    struct fake_certificate *c;
    FIND(certificates, id, id, c);
    return c;
}

static struct fake_certificate *certificate_at(const char *arn)
{
    const char *id = strrchr(arn, '/');
    return id ? certificate_of(id + 1) : NULL;
}

static void describe_to(const struct fake_certificate *c, struct iot_certificate *out)
{
    snprintf(out->id, sizeof out->id, "%s", c->id);
    snprintf(out->arn, sizeof out->arn, FAKE_ARN "cert/%s", c->id);
    snprintf(out->status, sizeof out->status, "%s", c->status);
    out->created_ms = clock_now_ms();
}

/* --- in the place of aws_iot_*.c --- */

void iot_certificate_dispose(struct iot_certificate *c)
{
    free(c->pem);
    *c = (struct iot_certificate){.id = ""};
}

enum err iot_describe_endpoint(const struct aws_use *u, const char *type, char out[IOT_ENDPOINT])
{
    (void)u, (void)type;
    enum turn t = turn("DescribeEndpoint");
    snprintf(out, IOT_ENDPOINT, "localhost");
    return say(t);
}

static void thing_to(const struct fake_thing *t, struct iot_thing *out)
{
    snprintf(out->arn, sizeof out->arn, FAKE_ARN "thing/%s", t->name);
    snprintf(out->type, sizeof out->type, "%s", t->type);
    out->attributes = json_incref(t->attributes);
}

enum err iot_describe_thing(const struct aws_use *u, const char *name, struct iot_thing *out)
{
    (void)u;
    enum turn t = turn("DescribeThing");
    struct fake_thing *thing = thing_of(name);
    memset(out, 0, sizeof *out);
    if (t != DONE) return say(t);
    if (!thing) return missing();
    thing_to(thing, out);
    return ERR_OK;
}

enum err iot_create_thing(const struct aws_use *u, const char *name, const char *type,
                          json_t *attributes, struct iot_thing *out)
{
    (void)u;
    enum turn t = turn("CreateThing");
    memset(out, 0, sizeof *out);
    if (t == NOT_DONE) return say(t);
    struct fake_thing *thing = thing_of(name);
    if (strcmp(type, "no-such-type") == 0) return missing();
    if (!thing) {
        thing = thing_of("");
        snprintf(thing->name, sizeof thing->name, "%s", name);
        snprintf(thing->type, sizeof thing->type, "%s", type);
        thing->attributes = attributes ? json_deep_copy(attributes) : json_object();
    }
    if (t == DONE) thing_to(thing, out);
    return say(t);
}

enum err iot_delete_thing(const struct aws_use *u, const char *name)
{
    (void)u;
    enum turn t = turn("DeleteThing");
    struct fake_thing *thing = thing_of(name);
    struct fake_certificate *c;
    if (t == NOT_DONE) return say(t);
    FIND(certificates, thing, name, c);
    if (c) return refuse(ERR_CONFLICT, "aws_conflict");
    if (thing) {
        json_decref(thing->attributes);
        memset(thing, 0, sizeof *thing);
    }
    return say(t);
}

enum err iot_add_thing_to_group(const struct aws_use *u, const char *thing, const char *group)
{
    (void)u, (void)thing;
    enum turn t = turn("AddThingToThingGroup");
    return t == DONE && strcmp(group, "no-such-group") == 0 ? missing() : say(t);
}

enum err iot_remove_thing_from_group(const struct aws_use *u, const char *thing, const char *group)
{
    (void)u, (void)thing, (void)group;
    return say(turn("RemoveThingFromThingGroup"));
}

enum err iot_list_thing_principals(const struct aws_use *u, const char *thing, json_t **out)
{
    (void)u;
    enum turn t = turn("ListThingPrincipals");
    *out = json_array();
    for (int i = 0; i < FAKE_MANY; i++)
        if (strcmp(cloud.certificates[i].thing, thing) == 0)
            json_array_append_new(*out, json_string(cloud.certificates[i].id));
    return say(t);
}

enum err iot_list_principal_things(const struct aws_use *u, const char *arn, json_t **out)
{
    (void)u;
    enum turn t = turn("ListPrincipalThings");
    struct fake_certificate *c = certificate_at(arn);
    *out = json_array();
    if (c && c->thing[0]) json_array_append_new(*out, json_string(c->thing));
    return say(t);
}

enum err iot_attach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    (void)u;
    enum turn t = turn("AttachThingPrincipal");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (!c || !thing_of(thing)) return missing();
    snprintf(c->thing, sizeof c->thing, "%s", thing);
    return say(t);
}

enum err iot_detach_thing_principal(const struct aws_use *u, const char *thing, const char *arn)
{
    (void)u, (void)thing;
    enum turn t = turn("DetachThingPrincipal");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (c && c->thing[0]) {
        c->thing[0] = '\0';
        c->detaching = cloud.detach_delay;
    }
    return say(t);
}

/* --- certificates --- */

static struct fake_certificate *issue(const char *csr)
{
    struct certificate_info info;
    struct buf pem;
    const struct certificate_order order = {
        .request_pem = csr, .request_len = strlen(csr), .now_unix_s = clock_now_ms() / 1000};
    struct fake_certificate *c = certificate_of("");
    buf_init(&pem, FAKE_PEM);
    if (!c || authority_sign(buf_str(&cloud.root), buf_str(&cloud.root_key), cloud.root_key.len,
                             &order, &pem, &info))
        abort();
    snprintf(c->id, sizeof c->id, "%s", info.fingerprint_sha256);
    snprintf(c->pem, sizeof c->pem, "%s", buf_str(&pem));
    snprintf(c->status, sizeof c->status, "INACTIVE");
    cloud.created++;
    buf_dispose(&pem);
    return c;
}

enum err iot_create_certificate(const struct aws_use *u, const char *csr,
                                struct iot_certificate *out)
{
    (void)u;
    enum turn t = turn("CreateCertificateFromCsr");
    *out = (struct iot_certificate){.id = ""};
    if (t == NOT_DONE) return say(t);
    struct fake_certificate *c = issue(csr);
    if (t != DONE) return say(t);
    describe_to(c, out);
    out->pem = strdup(c->pem);
    return ERR_OK;
}

enum err iot_create_keys(const struct aws_use *u, struct iot_certificate *out, struct buf *key_out)
{
    (void)u;
    enum turn t = turn("CreateKeysAndCertificate");
    struct subject subject = {.parts = {[SUBJECT_CN] = "AWS IoT Certificate"}};
    struct csr_info info;
    struct buf key, csr;
    *out = (struct iot_certificate){.id = ""};
    if (t == NOT_DONE) return say(t);
    buf_init_secret(&key, FAKE_PEM);
    buf_init(&csr, FAKE_PEM);
    if (key_make(KEY_P256, &key) || csr_make(buf_str(&key), key.len, &subject, &csr, &info))
        abort();
    struct fake_certificate *c = issue(buf_str(&csr));
    if (t == DONE) {
        describe_to(c, out);
        out->pem = strdup(c->pem);
        buf_puts(key_out, buf_str(&key));
    }
    buf_dispose(&key);
    buf_dispose(&csr);
    return say(t);
}

enum err iot_register_certificate(const struct aws_use *u, const char *pem, const char *ca_pem,
                                  struct iot_certificate *out, bool *was_there)
{
    (void)u, (void)ca_pem;
    char id[65], key[65];
    enum turn t = turn("RegisterCertificateWithoutCA");
    *out = (struct iot_certificate){.id = ""};
    *was_there = false;
    if (t == NOT_DONE) return say(t);
    if (certificate_digests(pem, id, key)) return refuse(ERR_ARG, "aws_invalid");
    struct fake_certificate *c = certificate_of(id);
    *was_there = c != NULL;
    if (!c) {
        c = certificate_of("");
        snprintf(c->id, sizeof c->id, "%s", id);
        snprintf(c->pem, sizeof c->pem, "%s", pem);
        snprintf(c->status, sizeof c->status, "INACTIVE");
        cloud.created++;
    }
    if (t == DONE) describe_to(c, out);
    return say(t);
}

enum err iot_describe_certificate(const struct aws_use *u, const char *id,
                                  struct iot_certificate *out)
{
    (void)u;
    enum turn t = turn("DescribeCertificate");
    struct fake_certificate *c = certificate_of(id);
    *out = (struct iot_certificate){.id = ""};
    if (t != DONE) return say(t);
    if (!c) return missing();
    describe_to(c, out);
    out->pem = strdup(c->pem);
    return ERR_OK;
}

enum err iot_update_certificate(const struct aws_use *u, const char *id, const char *status)
{
    (void)u;
    enum turn t = turn("UpdateCertificate");
    struct fake_certificate *c = certificate_of(id);
    if (t == NOT_DONE) return say(t);
    if (!c) return missing();
    snprintf(c->status, sizeof c->status, "%s", status);
    return say(t);
}

enum err iot_delete_certificate(const struct aws_use *u, const char *id)
{
    (void)u;
    enum turn t = turn("DeleteCertificate");
    struct fake_certificate *c = certificate_of(id);
    if (t == NOT_DONE) return say(t);
    if (c && strcmp(c->status, "ACTIVE") == 0) return refuse(ERR_CONFLICT, "aws_state");
    if (c && (c->thing[0] || c->policy[0] || c->detaching-- > 0))
        return refuse(ERR_CONFLICT, "aws_conflict");
    if (c) memset(c, 0, sizeof *c);
    return say(t);
}

enum err iot_list_certificates(const struct aws_use *u, int64_t since_ms,
                               struct iot_certificate **list_out, size_t *n_out)
{
    (void)u, (void)since_ms;
    enum turn t = turn("ListCertificates");
    *list_out = calloc(FAKE_MANY, sizeof **list_out);
    *n_out = 0;
    for (int i = 0; t == DONE && i < FAKE_MANY; i++)
        if (cloud.certificates[i].id[0])
            describe_to(&cloud.certificates[i], &(*list_out)[(*n_out)++]);
    return say(t);
}

/* --- policies --- */

enum err iot_create_policy(const struct aws_use *u, const char *name, const char *document,
                           char arn_out[AWS_ARN])
{
    (void)u;
    enum turn t = turn("CreatePolicy");
    snprintf(arn_out, AWS_ARN, FAKE_ARN "policy/%s", name);
    if (t == NOT_DONE) return say(t);
    if (policy_of(name)) return refuse(ERR_CONFLICT, "aws_exists");
    struct fake_policy *p = policy_of("");
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->document, sizeof p->document, "%s", document);
    return say(t);
}

enum err iot_get_policy(const struct aws_use *u, const char *name, char arn_out[AWS_ARN],
                        char **document_out)
{
    (void)u;
    enum turn t = turn("GetPolicy");
    struct fake_policy *p = policy_of(name);
    *document_out = NULL;
    snprintf(arn_out, AWS_ARN, FAKE_ARN "policy/%s", name);
    if (t != DONE) return say(t);
    if (!p) return missing();
    *document_out = strdup(p->document);
    return ERR_OK;
}

enum err iot_delete_policy(const struct aws_use *u, const char *name)
{
    (void)u;
    enum turn t = turn("DeletePolicy");
    struct fake_policy *p = policy_of(name);
    struct fake_certificate *c;
    if (t == NOT_DONE) return say(t);
    FIND(certificates, policy, name, c);
    if (c) return refuse(ERR_CONFLICT, "aws_conflict");
    if (p) memset(p, 0, sizeof *p);
    return say(t);
}

enum err iot_attach_policy(const struct aws_use *u, const char *policy, const char *arn)
{
    (void)u;
    enum turn t = turn("AttachPolicy");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (!c || !policy_of(policy)) return missing();
    snprintf(c->policy, sizeof c->policy, "%s", policy);
    return say(t);
}

enum err iot_detach_policy(const struct aws_use *u, const char *policy, const char *arn)
{
    (void)u, (void)policy;
    enum turn t = turn("DetachPolicy");
    struct fake_certificate *c = certificate_at(arn);
    if (t == NOT_DONE) return say(t);
    if (c) c->policy[0] = '\0';
    return say(t);
}

enum err iot_list_attached_policies(const struct aws_use *u, const char *arn, json_t **out)
{
    (void)u;
    enum turn t = turn("ListAttachedPolicies");
    struct fake_certificate *c = certificate_at(arn);
    *out = json_array();
    if (c && c->policy[0]) json_array_append_new(*out, json_string(c->policy));
    return say(t);
}

enum err iot_list_policy_targets(const struct aws_use *u, const char *policy, json_t **out)
{
    (void)u;
    enum turn t = turn("ListTargetsForPolicy");
    *out = json_array();
    for (int i = 0; i < FAKE_MANY; i++) {
        char arn[AWS_ARN];
        snprintf(arn, sizeof arn, FAKE_ARN "cert/%s", cloud.certificates[i].id);
        if (strcmp(cloud.certificates[i].policy, policy) == 0)
            json_array_append_new(*out, json_string(arn));
    }
    return say(t);
}

enum err iot_create_claim(const struct aws_use *u, const char *template_name,
                          struct iot_certificate *out, struct buf *key_out)
{
    (void)u, (void)template_name, (void)key_out;
    *out = (struct iot_certificate){.id = ""};
    return missing();
}
#endif
