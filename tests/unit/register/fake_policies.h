/* fake_policies: in the place of aws_iot_policies.c. */
#ifndef TESTS_UNIT_REGISTER_FAKE_POLICIES_H
#define TESTS_UNIT_REGISTER_FAKE_POLICIES_H

#include "tests/unit/register/fake_state.h"

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

enum err aws_caller_identity(const struct aws_use *u, char account_out[16], char arn_out[AWS_ARN])
{
    (void)u;
    snprintf(account_out, 16, "%s", cloud.account ? cloud.account : "123456789012");
    snprintf(arn_out, AWS_ARN, "arn:aws:iam::%s:user/bench", account_out);
    return ERR_OK;
}

enum err iot_create_claim(const struct aws_use *u, const char *template_name,
                          struct iot_certificate *out, struct buf *key_out)
{
    (void)u, (void)template_name, (void)key_out;
    *out = (struct iot_certificate){.id = ""};
    return missing();
}
#endif
