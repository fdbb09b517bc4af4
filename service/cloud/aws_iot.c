#include "service/cloud/aws_iot.h"

#include <stdio.h>
#include <string.h>

#include "service/cloud/aws_iot_parts.h"

/* What is between a tag's begin and end in STS's answer, which is XML, flat and without attributes
 * there. */
static enum err take_element(const struct iot_order *o, const char *xml, const char *tag, char *out,
                             size_t cap)
{
    char begin[32];
    snprintf(begin, sizeof begin, "<%s>", tag);
    const char *text = xml ? strstr(xml, begin) : NULL;
    if (text) text += strlen(begin);
    size_t n = text ? strcspn(text, "<") : 0;
    if (n == 0 || n >= cap) return iot_bad_answer(o, tag);
    memcpy(out, text, n);
    out[n] = '\0';
    return ERR_OK;
}

enum err aws_caller_identity(const struct aws_use *u, char account_out[16], char arn_out[AWS_ARN])
{
    const struct iot_order o = {.operation = "GetCallerIdentity"};
    const struct aws_request r = {
        .operation = o.operation,
        .method = "POST",
        .path = "/",
        .query = "",
        .form = "Action=GetCallerIdentity&Version=2011-06-15",
        .service = "sts",
    };
    struct aws_answer a = {0};
    account_out[0] = arn_out[0] = '\0';
    enum err e = aws_call(u->account, &r, u->cancel, u->until, &a);
    if (!e) e = take_element(&o, a.text, "Account", account_out, 16);
    if (!e && (strlen(account_out) != 12 || strspn(account_out, "0123456789") != 12))
        e = iot_bad_answer(&o, "Account");
    if (!e) e = take_element(&o, a.text, "Arn", arn_out, AWS_ARN);
    aws_answer_dispose(&a);
    return e;
}

enum err iot_describe_endpoint(const struct aws_use *u, const char *type,
                               char endpoint_out[IOT_ENDPOINT])
{
    char query[64] = "endpointType=";
    const size_t head = strlen(query);
    const struct iot_order o = {IOT_OPERATION("DescribeEndpoint"), .method = "GET",
                                .before = "/endpoint", .query = query};
    struct aws_answer a;
    endpoint_out[0] = '\0';
    enum err e = aws_encode(type, query + head, sizeof query - head);
    if (e) return e;
    e = iot_call(u, &o, &a);
    if (!e) e = iot_take(&o, a.body, "endpointAddress", endpoint_out, IOT_ENDPOINT);
    aws_answer_dispose(&a);
    return e;
}

static json_t *ask(const char *certificate_arn, const struct iot_question *questions, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s,s:[s]}", "actionType", questions[i].action,
                                              "resources", questions[i].resource));
    if (json_array_size(list) == n)
        return json_pack("{s:s,s:o}", "principal", certificate_arn, "authInfos", list);
    json_decref(list);
    return NULL;
}

/* The result of a question: it repeats action and resource. */
static const json_t *result_of(const json_t *results, const struct iot_question *q)
{
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *one = json_array_get(results, i);
        const json_t *info = json_object_get(one, "authInfo");
        const char *action = json_string_value(json_object_get(info, "actionType"));
        const json_t *resources = json_object_get(info, "resources");
        const char *resource = json_string_value(json_array_get(resources, 0));
        if (action && resource && !strcmp(action, q->action) && !strcmp(resource, q->resource))
            return one;
    }
    return NULL;
}

/* The names of as many as fit. */
static void name_policies(const json_t *policies, char *out, size_t cap)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(policies); i++) {
        const json_t *one = json_array_get(policies, i);
        const char *name = json_string_value(json_object_get(one, "policyName"));
        if (!name || n + strlen(name) + 3 > cap) continue;
        n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", name);
    }
}

static enum err read_decision(const struct iot_order *o, const json_t *result,
                              struct iot_question *q)
{
    static const struct {
        const char *word, *group, *kind;
        enum iot_decision decision;
    } words[] = {
        {"ALLOWED", "allowed", NULL, IOT_ALLOWED},
        {"IMPLICIT_DENY", "denied", "implicitDeny", IOT_IMPLICIT_DENY},
        {"EXPLICIT_DENY", "denied", "explicitDeny", IOT_EXPLICIT_DENY},
    };
    const char *word = json_string_value(json_object_get(result, "authDecision"));
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i].word) != 0) continue;
        const json_t *group = json_object_get(result, words[i].group);
        if (words[i].kind) group = json_object_get(group, words[i].kind);
        q->decision = words[i].decision;
        name_policies(json_object_get(group, "policies"), q->policies, sizeof q->policies);
        return ERR_OK;
    }
    return iot_bad_answer(o, "authDecision");
}

enum err iot_test_authorization(const struct aws_use *u, const char *certificate_arn,
                                const char *client_id, struct iot_question *questions, size_t n)
{
    char query[512] = "clientId=";
    const size_t head = strlen(query);
    const struct iot_order o = {IOT_OPERATION("TestAuthorization"), .method = "POST",
                                .before = "/test-authorization", .query = query};
    struct aws_answer a;
    enum err e = aws_encode(client_id, query + head, sizeof query - head);
    if (e) return e;
    e = iot_call_with(u, &o, ask(certificate_arn, questions, n), &a);
    const json_t *results = json_object_get(a.body, "authResults");
    for (size_t i = 0; !e && i < n; i++)
        e = read_decision(&o, result_of(results, &questions[i]), &questions[i]);
    aws_answer_dispose(&a);
    return e;
}
