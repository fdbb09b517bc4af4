#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_iot_parts.h"

enum err iot_create_policy(const struct aws_use *u, const char *name, const char *document,
                           char arn_out[AWS_ARN])
{
    const struct iot_order o = {IOT_OPERATION("CreatePolicy"), .method = "POST",
                                .before = "/policies/", .name = name};
    struct aws_answer a;
    arn_out[0] = '\0';
    enum err e = iot_call_with(u, &o, json_pack("{s:s}", "policyDocument", document), &a);
    if (!e) e = iot_take(&o, a.body, "policyArn", arn_out, AWS_ARN);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_get_policy(const struct aws_use *u, const char *name, char arn_out[AWS_ARN],
                        char **document_out)
{
    const struct iot_order o = {IOT_OPERATION("GetPolicy"), .method = "GET", .before = "/policies/",
                                .name = name};
    struct aws_answer a;
    arn_out[0] = '\0';
    *document_out = NULL;
    enum err e = iot_call(u, &o, &a);
    const char *document = json_string_value(json_object_get(a.body, "policyDocument"));
    if (!e) e = iot_take(&o, a.body, "policyArn", arn_out, AWS_ARN);
    if (!e && document) {
        *document_out = strdup(document);
        e = *document_out ? ERR_OK : err_set(ERR_MEM, "out of memory");
    } else if (!e) {
        e = iot_bad_answer(&o, "policyDocument");
    }
    aws_answer_dispose(&a);
    return e;
}

enum err iot_delete_policy(const struct aws_use *u, const char *name)
{
    const struct iot_order o = {IOT_OPERATION("DeletePolicy"), .method = "DELETE",
                                .before = "/policies/", .name = name};
    return iot_gone(iot_do(u, &o));
}

enum err iot_attach_policy(const struct aws_use *u, const char *policy, const char *arn)
{
    const struct iot_order o = {IOT_OPERATION("AttachPolicy"), .method = "PUT",
                                .before = "/target-policies/", .name = policy};
    return iot_do_with(u, &o, json_pack("{s:s}", "target", arn));
}

enum err iot_detach_policy(const struct aws_use *u, const char *policy, const char *arn)
{
    const struct iot_order o = {IOT_OPERATION("DetachPolicy"), .method = "POST",
                                .before = "/target-policies/", .name = policy};
    return iot_gone(iot_do_with(u, &o, json_pack("{s:s}", "target", arn)));
}

enum err iot_list_attached_policies(const struct aws_use *u, const char *arn, json_t **out)
{
    static const struct iot_pages pages = {"policies", "nextMarker", NULL, "marker",
                                           "pageSize=250"};
    const struct iot_order o = {IOT_OPERATION("ListAttachedPolicies"), .method = "POST",
                                .before = "/attached-policies/", .name = arn};
    return iot_list(u, &o, &pages, "policyName", out);
}

enum err iot_list_policy_targets(const struct aws_use *u, const char *policy, json_t **out)
{
    static const struct iot_pages pages = {"targets", "nextMarker", NULL, "marker", "pageSize=250"};
    const struct iot_order o = {IOT_OPERATION("ListTargetsForPolicy"), .method = "POST",
                                .before = "/policy-targets/", .name = policy};
    return iot_list(u, &o, &pages, NULL, out);
}
