/* aws_provider: keys from AWS IoT's credential provider. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/base/url.h"
#include "service/base/wipe.h"
#include "service/cloud/aws_call.h"
#include "service/cloud/aws_sources.h"
#include "service/cloud/https_post.h"

enum { URL = 1024, HEADER = 160, ASK_MS = 10000 };

struct provider {
    char url[URL], header[HEADER];
    bool local;
    char *certificate_pem, *key_pem, *ca_pem; /* ca_pem: NULL = the system's */
};

static void free_provider(void *arg)
{
    struct provider *p = arg;
    free(p->certificate_pem);
    wipe_free(p->key_pem);
    free(p->ca_pem);
    free(p);
}

/* "2026-01-02T03:04:05Z", with or without a fraction. @return 0 when it is no such time */
static int64_t unix_time_of(const char *text)
{
    struct tm tm = {0};
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (end && *end == '.') end += 1 + strspn(end + 1, "0123456789");
    return end && strcmp(end, "Z") == 0 ? (int64_t)timegm(&tm) : 0;
}

static bool put(char *out, size_t cap, const json_t *from, const char *name)
{
    const char *value = json_string_value(json_object_get(from, name));
    return value && *value && aws_keys_put(out, cap, value);
}

/* The answer itself is not told: it may be a key in another shape. */
static enum err read_keys(const struct buf *answer, struct aws_keys *out)
{
    json_t *body = json_loadb(buf_str(answer), answer->len, 0, NULL);
    const json_t *k = json_object_get(body, "credentials");
    bool ok = put(out->access_key_id, AWS_KEY_ID, k, "accessKeyId") &&
              put(out->secret_access_key, AWS_SECRET, k, "secretAccessKey") &&
              put(out->session_token, AWS_TOKEN, k, "sessionToken");
    out->expires_unix_s = unix_time_of(json_string_value(json_object_get(k, "expiration")));
    json_decref(body);
    if (ok && out->expires_unix_s) return ERR_OK;
    return err_fail(ERR_PROTOCOL, "keys_bad_answer",
                    "Check that the address is that of the endpoint type iot:CredentialProvider.",
                    "what the credential provider answered is no key with an end");
}

static enum err refused(int status, const struct buf *answer)
{
    json_t *body = json_loadb(buf_str(answer), answer->len, 0, NULL);
    const char *message = json_string_value(json_object_get(body, "message"));
    enum err e = err_fail(ERR_CLOUD, "keys_refused",
                          "The thing's certificate must be active, attached to the thing and to a "
                          "policy that allows iot:AssumeRoleWithCertificate on the role alias.",
                          "the credential provider answered %d", status);
    if (message) err_device(e, message, strlen(message));
    json_decref(body);
    return e;
}

static enum err judge(const struct post_result *r, const struct buf *answer, struct aws_keys *out)
{
    if (!r->status)
        return err_fail(ERR_NETWORK, "keys_unreachable",
                        "Check its address, the network and the clock of this machine.",
                        "the credential provider: %s", r->error);
    if (r->status == 200) return read_keys(answer, out);
    if (r->status >= 400 && r->status < 500) return refused(r->status, answer);
    return err_fail(ERR_PROTOCOL, "keys_bad_answer", "Try again later.",
                    "the credential provider answered %d", r->status);
}

static enum err take_provider(void *arg, struct cancel *cancel, struct deadline until,
                              struct aws_keys *out)
{
    const struct provider *p = arg;
    struct post_result result;
    struct post_answer answer = {.error_type = ""};
    const struct post get = {.url = p->url,
                             .local = p->local,
                             .ca_pem = p->ca_pem,
                             .certificate_pem = p->certificate_pem,
                             .key_pem = p->key_pem,
                             .headers = {p->header},
                             .answer = &answer};
    *out = (struct aws_keys){.expires_unix_s = 0};
    buf_init_secret(&answer.body, POST_ANSWER);
    enum err e = post_once(&get, cancel, deadline_within_ms(until, ASK_MS), &result);
    if (!e) e = judge(&result, &answer.body, out);
    buf_dispose(&answer.body);
    return e;
}

static enum err copy(const struct aws_provider *from, struct provider *p)
{
    char alias[512];
    enum err e = aws_encode(from->role_alias, alias, sizeof alias);
    if (e) return e;
    snprintf(p->url, sizeof p->url, "https://%s/role-aliases/%s/credentials", from->endpoint,
             alias);
    snprintf(p->header, sizeof p->header, "x-amzn-iot-thingname: %s", from->thing);
    url_refusal(p->url, &p->local);
    p->certificate_pem = strdup(from->certificate_pem);
    p->key_pem = strdup(from->key_pem);
    if (from->ca_pem) p->ca_pem = strdup(from->ca_pem);
    if (p->certificate_pem && p->key_pem && (p->ca_pem || !from->ca_pem)) return ERR_OK;
    return err_set(ERR_MEM, "out of memory");
}

enum err aws_keys_of_provider(const struct aws_provider *from, struct aws_config *c)
{
    struct provider *p = calloc(1, sizeof *p);
    if (!p) return err_set(ERR_MEM, "out of memory");
    enum err e = copy(from, p);
    if (e) {
        free_provider(p);
        return e;
    }
    c->keys = take_provider;
    c->keys_arg = p;
    c->keys_free = free_provider;
    return ERR_OK;
}
