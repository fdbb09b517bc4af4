#include "service/cloud/iot_publish.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "service/base/buf.h"
#include "service/base/url.h"
#include "service/cloud/aws_call.h"
#include "service/cloud/aws_error.h"
#include "service/cloud/https_post.h"

enum { TOPIC = 3 * 256 + 1, URL = TOPIC + 320, ANSWER = 8 * 1024 };

/* A topic is one part of the path: its slashes are encoded, too. */
static enum err make_url(const struct iot_publish *p, char out[URL], bool *local_out)
{
    char topic[TOPIC];
    enum err e = aws_encode(p->topic, topic, sizeof topic);
    if (e) return e;
    bool six = strchr(p->host, ':') != NULL;
    int n = snprintf(out, URL, "https://%s%s%s:%d/topics/%s?qos=1", six ? "[" : "", p->host,
                     six ? "]" : "", p->port, topic);
    const char *why = n < URL ? url_refusal(out, local_out) : "is too long";
    if (strpbrk(p->host, "/?")) why = "has no host name or address";
    return why ? err_set(ERR_ARG, "the address for publishing %s", why) : ERR_OK;
}

static void read_answer(const struct post_result *posted, const struct post_answer *answer,
                        struct iot_publish_result *out)
{
    out->status = posted->status;
    snprintf(out->why, sizeof out->why, "%s", posted->error);
    if (posted->status < 300) return;
    const char *text = answer->body.failed ? "" : buf_str(&answer->body);
    json_t *json = json_loads(text, 0, NULL);
    struct aws_said said;
    const struct aws_refusal refusal = {
        .status = posted->status,
        .type = answer->error_type[0] ? answer->error_type : NULL,
        .text = text,
        .json = json,
    };
    aws_error_read(&refusal, &said);
    json_decref(json);
    aws_error_short(said.name, out->error);
    snprintf(out->message, sizeof out->message, "%.*s", (int)sizeof out->message - 1, said.text);
}

enum err iot_publish_once(const struct iot_publish *p, struct cancel *cancel, struct deadline until,
                          struct iot_publish_result *out)
{
    char url[URL];
    struct post_answer answer = {.error_type = ""};
    struct post_result posted;
    struct post post = {
        .url = url,
        .ca_pem = p->root_ca_pem,
        .certificate_pem = p->certificate_pem,
        .key_pem = p->key_pem,
        .headers = {"Content-Type: application/octet-stream"},
        .body = p->payload,
        .body_len = strlen(p->payload),
        .answer = &answer,
    };
    *out = (struct iot_publish_result){0};
    enum err e = make_url(p, url, &post.local);
    if (e) return e;
    int64_t begun_ns = deadline_now_ns();
    buf_init(&answer.body, ANSWER);
    e = post_once(&post, cancel, until, &posted);
    if (!e) read_answer(&posted, &answer, out);
    out->ms = (long)((deadline_now_ns() - begun_ns) / 1000000);
    buf_dispose(&answer.body);
    return e;
}
