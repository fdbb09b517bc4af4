/* Any bytes as the answer to any operation of AWS IoT: understood, or refused with a code, and
 * never more than one page more. The call itself is not made: aws_call() is here. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_iot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *text; /* the answer */
static int calls;

enum err aws_call(struct aws_account *a, const struct aws_request *r, struct cancel *cancel,
                  struct deadline until, struct aws_answer *out)
{
    (void)a, (void)cancel, (void)until;
    assert(r->operation && r->method && r->path[0] == '/' && r->query);
    assert(++calls <= 2);
    *out = (struct aws_answer){.status = 200};
    out->text = strdup(text);
    assert(out->text);
    out->body = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    return ERR_OK;
}

void aws_answer_dispose(struct aws_answer *a)
{
    json_decref(a->body);
    free(a->text);
}

enum err aws_encode(const char *value, char *out, size_t cap)
{
    if (strlen(value) >= cap) return ERR_TOO_LARGE;
    memcpy(out, value, strlen(value) + 1);
    return ERR_OK;
}

static const struct aws_use use;

static enum err thing(void)
{
    struct iot_thing t;
    enum err e = iot_describe_thing(&use, "n", &t);
    assert(e || (t.arn[0] && t.id[0]));
    json_decref(t.attributes);
    return e;
}

static enum err check(enum err e, struct iot_certificate *c)
{
    assert(e ? !c->pem : strlen(c->id) == IOT_CERTIFICATE_ID - 1);
    assert(c->created_ms >= 0);
    iot_certificate_dispose(c);
    return e;
}

static enum err certificate(void)
{
    struct iot_certificate c;
    enum err e = iot_describe_certificate(&use, "i", &c);
    return check(e, &c);
}

static enum err new_keys(void)
{
    struct iot_certificate c;
    struct buf key;
    buf_init_secret(&key, 4096);
    enum err e = iot_create_keys(&use, &c, &key);
    assert(e || c.pem);
    buf_dispose(&key);
    return check(e, &c);
}

static enum err claim(void)
{
    struct iot_certificate c;
    struct buf key;
    buf_init_secret(&key, 4096);
    enum err e = iot_create_claim(&use, "t", &c, &key);
    buf_dispose(&key);
    return check(e, &c);
}

static enum err certificates(void)
{
    struct iot_certificate *list;
    size_t n;
    enum err e = iot_list_certificates(&use, 1000, &list, &n);
    assert(!e || (!list && !n));
    for (size_t i = 0; i < n; i++) {
        assert(list[i].created_ms >= 1000);
        iot_certificate_dispose(&list[i]);
    }
    free(list);
    return e;
}

static enum err policy(void)
{
    char arn[AWS_ARN], *document;
    enum err e = iot_get_policy(&use, "p", arn, &document);
    assert(!e == !!document);
    free(document);
    return e;
}

static enum err listed(void)
{
    json_t *list;
    enum err e = iot_list_attached_policies(&use, "arn", &list);
    assert(!e == !!list);
    json_decref(list);
    return e;
}

static enum err authorization(void)
{
    struct iot_question q[2] = {{.action = "CONNECT", .resource = "a"},
                                {.action = "PUBLISH", .resource = "b"}};
    return iot_test_authorization(&use, "arn", "c", q, 2);
}

static enum err identity(void)
{
    char account[16], arn[AWS_ARN];
    enum err e = aws_caller_identity(&use, account, arn);
    assert(e || (strlen(account) == 12 && arn[0]));
    return e;
}

static enum err endpoint(void)
{
    char host[IOT_ENDPOINT];
    enum err e = iot_describe_endpoint(&use, "iot:Data-ATS", host);
    assert(!e == (host[0] != '\0'));
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum err (*const all[])(void) = {thing,  certificate, new_keys,      claim,    certificates,
                                     policy, listed,      authorization, identity, endpoint};
    if (!size) return 0;
    char *copy = strndup((const char *)data + 1, size - 1);
    assert(copy);
    text = copy;
    calls = 0;
    enum err e = all[data[0] % (sizeof all / sizeof *all)]();
    assert(!e || err_last()->code[0]);
    free(copy);
    return 0;
}
