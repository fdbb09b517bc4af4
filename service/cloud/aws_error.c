#include "service/cloud/aws_error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXCEPTION "Exception"

/* Names without their "Exception". Those of a limit of calls stand before those of quotas. */
static const struct {
    const char *name;
    enum aws_meaning meaning;
} names[] = {
    {"Throttling", AWS_THROTTLED},
    {"Throttled", AWS_THROTTLED},
    {"TooManyRequests", AWS_THROTTLED},
    {"RequestLimitExceeded", AWS_THROTTLED},
    {"RequestThrottled", AWS_THROTTLED},
    {"SlowDown", AWS_THROTTLED},
    {"InvalidSignature", AWS_SIGNATURE},
    {"SignatureDoesNotMatch", AWS_SIGNATURE},
    {"RequestExpired", AWS_CLOCK},
    {"RequestTimeTooSkewed", AWS_CLOCK},
    {"UnrecognizedClient", AWS_KEY},
    {"InvalidClientTokenId", AWS_KEY},
    {"InvalidAccessKeyId", AWS_KEY},
    {"ExpiredToken", AWS_TOKEN_ENDED},
    {"AccessDenied", AWS_PERMISSION},
    {"Forbidden", AWS_PERMISSION},
    {"Unauthorized", AWS_PERMISSION},
    {"LimitExceeded", AWS_QUOTA},
    {"VersionsLimitExceeded", AWS_QUOTA},
    {"ServiceQuotaExceeded", AWS_QUOTA},
    {"ResourceNotFound", AWS_NOT_FOUND},
    {"NotFound", AWS_NOT_FOUND},
    {"ResourceAlreadyExists", AWS_EXISTS},
    {"DeleteConflict", AWS_CONFLICT},
    {"VersionConflict", AWS_CONFLICT},
    {"CertificateConflict", AWS_CONFLICT},
    {"ConflictingResourceUpdate", AWS_CONFLICT},
    {"Conflict", AWS_CONFLICT},
    {"CertificateState", AWS_STATE},
    {"InvalidRequest", AWS_INVALID},
    {"MalformedPolicy", AWS_INVALID},
    {"CertificateValidation", AWS_INVALID},
    {"RegistrationCodeValidation", AWS_INVALID},
    {"ResourceRegistrationFailure", AWS_INVALID},
    {"InvalidQuery", AWS_INVALID},
    {"Validation", AWS_INVALID},
};

void aws_error_short(const char *name, char out[AWS_NAME])
{
    size_t n = strlen(name), end = sizeof EXCEPTION - 1;
    if (n > end && strcmp(name + n - end, EXCEPTION) == 0) n -= end;
    snprintf(out, AWS_NAME, "%.*s", (int)n, name);
}

/* "com.amazonaws.iot#Name:http://…,…" → "Name"; a request id stays as it is. Anything else is none.
 */
static void take_name(const char *text, char out[AWS_NAME])
{
    size_t n = strcspn(text, ",");
    const char *colon = memchr(text, ':', n);
    if (colon) n = (size_t)(colon - text);
    const char *hash = memchr(text, '#', n);
    if (hash) {
        n -= (size_t)(hash + 1 - text);
        text = hash + 1;
    }
    size_t letters =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    if (letters < n) n = letters;
    snprintf(out, AWS_NAME, "%.*s", (int)(n < AWS_NAME ? n : AWS_NAME - 1), text);
}

static const char *member(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* The text between <tag> and what follows: STS answers in XML.
 * @return its length, 0 = none */
static size_t element(const char *text, const char *tag, const char **at)
{
    *at = text ? strstr(text, tag) : NULL;
    if (!*at) return 0;
    *at += strlen(tag);
    return strcspn(*at, "<");
}

static void keep_text(const char *text, size_t n, char out[AWS_TEXT])
{
    size_t len = 0;
    for (size_t i = 0; i < n && len + 1 < AWS_TEXT; i++)
        out[len++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : ' ';
    out[len] = '\0';
    /* What a signature's refusal goes on to say repeats the request: its session token, too. */
    char *repeats = strstr(out, "The Canonical String");
    if (repeats) len = (size_t)(repeats - out);
    while (len && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}

static void read_words(const struct aws_refusal *r, struct aws_said *out)
{
    char code[AWS_NAME];
    const char *at, *name = r->type && r->type[0] ? r->type : NULL;
    const char *text = member(r->json, "message");
    if (!name) name = member(r->json, "code");
    if (!name) name = member(r->json, "__type");
    if (!text) text = member(r->json, "Message");
    size_t n = text ? strlen(text) : 0;
    if (!name && !r->json) {
        n = element(r->text, "<Code>", &at);
        snprintf(code, sizeof code, "%.*s", (int)n, n ? at : "");
        name = code;
        n = element(r->text, "<Message>", &text);
    }
    if (name) take_name(name, out->name);
    if (text) keep_text(text, n, out->text);
    const char *id = member(r->json, "resourceId"), *arn = member(r->json, "resourceArn");
    snprintf(out->resource_id, sizeof out->resource_id, "%s", id ? id : "");
    snprintf(out->resource_arn, sizeof out->resource_arn, "%s", arn ? arn : "");
}

static enum aws_meaning by_status(const struct aws_refusal *r)
{
    switch (r->status) {
    case 400:
        return AWS_INVALID;
    case 401:
    case 403:
        return AWS_PERMISSION;
    case 404:
        return AWS_NOT_FOUND;
    case 406:
        return AWS_STATE;
    case 409:
        return AWS_CONFLICT;
    case 410:
        return AWS_QUOTA;
    default:
        return AWS_OTHER;
    }
}

static enum aws_meaning by_name(const struct aws_refusal *r, const char *name)
{
    char shorter[AWS_NAME];
    aws_error_short(name, shorter);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, shorter) == 0) return names[i].meaning;
    if (r->status == 429) return AWS_THROTTLED;
    if (r->status >= 500) return AWS_SERVER;
    if (!name[0] && !r->json && !(r->request_id && r->request_id[0])) return AWS_STRANGE;
    return name[0] && r->status == 403 ? AWS_OTHER : by_status(r);
}

/* "Credential should be scoped to correct service: 'execute-api'." */
static bool names_service(struct aws_said *s)
{
    static const char before[] = "scoped to correct service: '";
    const char *at = strstr(s->text, before);
    if (!at) return false;
    at += sizeof before - 1;
    size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (!n || n >= sizeof s->service || at[n] != '\'') return false;
    snprintf(s->service, sizeof s->service, "%.*s", (int)n, at);
    return true;
}

void aws_error_read(const struct aws_refusal *r, struct aws_said *out)
{
    memset(out, 0, sizeof *out);
    read_words(r, out);
    take_name(r->request_id ? r->request_id : "", out->request_id);
    out->meaning = by_name(r, out->name);
    if (out->meaning != AWS_SIGNATURE) return;
    if (names_service(out))
        out->meaning = AWS_SERVICE_NAME;
    else if (strstr(out->text, "scoped to a valid region"))
        out->meaning = AWS_REGION_NAME;
    else if (strcasestr(out->text, "signature expired") ||
             strcasestr(out->text, "signature not yet current"))
        out->meaning = AWS_CLOCK;
}

static const struct {
    enum err kind;
    const char *code, *what, *hint;
} words[] = {
    [AWS_OTHER] = {ERR_CLOUD, "aws_failed", "AWS refused the call", NULL},
    [AWS_STRANGE] = {ERR_PROTOCOL, "aws_bad_answer", "the answer is not one of AWS's",
                     "Check whether a proxy or a captive portal is in between."},
    [AWS_THROTTLED] = {ERR_BUSY, "aws_throttled", "too many calls, also after waiting",
                       "Lower this cloud's rate, or see who else uses the account."},
    [AWS_SERVER] = {ERR_CLOUD, "aws_unavailable", "AWS failed, also when asked again",
                    "Try again later."},
    [AWS_SIGNATURE] = {ERR_CLOUD, "aws_secret", "the signature is not accepted",
                       "Check the secret access key: it does not belong to the access key id."},
    [AWS_CLOCK] = {ERR_CLOUD, "aws_clock", "the time of the signature is not accepted",
                   "Set this machine's clock."},
    [AWS_SERVICE_NAME] = {ERR_CLOUD, "aws_region", "the endpoint is of another service",
                          "Check the endpoint of the control plane and the region."},
    [AWS_REGION_NAME] = {ERR_CLOUD, "aws_region", "the endpoint is of another region",
                         "Check the region, and the endpoint of the control plane."},
    [AWS_KEY] = {ERR_CLOUD, "aws_key_unknown", "the access key id is not known there",
                 "Check the access key id, that it is active, the session token if it has one, and "
                 "that its account uses the region."},
    [AWS_TOKEN_ENDED] = {ERR_CLOUD, "aws_token_expired", "the session token has expired",
                         "Send new keys."},
    [AWS_PERMISSION] = {ERR_CLOUD, "aws_permission", "the keys may not do this",
                        "Allow the action to the keys' user or role in IAM."},
    [AWS_QUOTA] = {ERR_CLOUD, "aws_quota", "a limit of the account is reached",
                   "Delete what is not needed, or ask AWS for more in Service Quotas."},
    [AWS_NOT_FOUND] = {ERR_NOT_FOUND, "aws_not_found", "what it names does not exist", NULL},
    [AWS_EXISTS] = {ERR_CONFLICT, "aws_exists", "it exists already, and differs", NULL},
    [AWS_CONFLICT] = {ERR_CONFLICT, "aws_conflict", "something else stands against it", NULL},
    [AWS_STATE] = {ERR_CONFLICT, "aws_state", "its state forbids it", NULL},
    [AWS_INVALID] = {ERR_ARG, "aws_invalid", "AWS does not accept the request", NULL},
};

enum err aws_error_device(enum err e, const struct aws_said *s)
{
    char said[AWS_NAME + AWS_TEXT + 2];
    int n = snprintf(said, sizeof said, "%s%s%s", s->name, s->name[0] && s->text[0] ? ": " : "",
                     s->text);
    return n > 0 ? err_device(e, said, (size_t)n) : e;
}

enum err aws_error_raise(const struct aws_said *s, const struct aws_request *r, int status)
{
    bool of_action = s->meaning == AWS_PERMISSION && r->action, has_id = s->request_id[0];
    enum err e = err_fail(words[s->meaning].kind, words[s->meaning].code, words[s->meaning].hint,
                          "%s: %s%s%s (HTTP %d%s%s)", r->operation, words[s->meaning].what,
                          of_action ? ": " : "", of_action ? r->action : "", status,
                          has_id ? ", request " : "", s->request_id);
    return aws_error_device(e, s);
}
