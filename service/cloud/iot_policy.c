#include "service/cloud/iot_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/digest.h"
#include "service/base/json_in.h"

enum {
    DOCUMENT_MAX = 2048, /* AWS's; white space does not count there */
    FILLED_MAX = 16 * 1024,
};

static const char thing_word[] = "{thing}";
/* Known to AWS when the client id is the name of the thing that the certificate is attached to. */
static const char thing_variable[] = "${iot:Connection.Thing.ThingName}";

static enum err check(const char *what, const char *text)
{
    if (!strpbrk(text, "*?") && !strstr(text, "${")) return ERR_OK;
    return err_fail(ERR_ARG, "policy_wildcard",
                    "Name what the device needs, or give a policy document of your own.",
                    "the %s \"%.200s\" would let the device do more than that", what, text);
}

static enum err fill(const char *text, const char *thing, struct buf *out)
{
    for (const char *at; (at = strstr(text, thing_word)); text = at + strlen(thing_word)) {
        buf_append(out, text, (size_t)(at - text));
        buf_puts(out, thing);
    }
    return buf_puts(out, text);
}

static char *compose(const char *arn, const char *client_id, const char *topic)
{
    json_t *document =
        json_pack("{s:s,s:[{s:s,s:s,s:s++},{s:s,s:[s,s],s:s++},{s:s,s:s,s:s++}]}", "Version",
                  "2012-10-17", "Statement", "Effect", "Allow", "Action", "iot:Connect", "Resource",
                  arn, "client/", client_id, "Effect", "Allow", "Action", "iot:Publish",
                  "iot:Receive", "Resource", arn, "topic/", topic, "Effect", "Allow", "Action",
                  "iot:Subscribe", "Resource", arn, "topicfilter/", topic);
    char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    return text;
}

static enum err put_document(const struct iot_policy_scope *s, const char *client_id,
                             const char *topic, struct buf *out)
{
    char arn[128];
    snprintf(arn, sizeof arn, "arn:%s:iot:%s:%s:", s->partition, s->region, s->account);
    char *text = compose(arn, client_id, topic);
    if (!text) return err_set(ERR_MEM, "out of memory");
    enum err e = ERR_OK;
    if (strlen(text) > DOCUMENT_MAX)
        e = err_fail(ERR_TOO_LARGE, "policy_too_large", "Use a shorter client id and topic.",
                     "the policy has %zu characters, and AWS takes %d", strlen(text), DOCUMENT_MAX);
    else
        e = buf_puts(out, text);
    free(text);
    return e;
}

/* What stands for {thing} in a policy. */
static enum err find_thing(const struct iot_policy_scope *s, const char **out)
{
    *out = thing_variable;
    if (strcmp(s->client_id, thing_word) == 0) return ERR_OK;
    *out = s->thing ? s->thing : "";
    if (!**out && (strstr(s->client_id, thing_word) || strstr(s->topic, thing_word)))
        return err_set(ERR_ARG, "the policy needs the thing's name");
    return check("thing's name", *out);
}

enum err iot_policy_make(const struct iot_policy_scope *s, struct buf *out)
{
    const char *thing;
    enum err e = check("client id", s->client_id);
    if (!e) e = check("topic", s->topic);
    if (!e) e = find_thing(s, &thing);
    if (e) return e;
    struct buf client_id, topic;
    buf_init(&client_id, FILLED_MAX);
    buf_init(&topic, FILLED_MAX);
    e = fill(s->client_id, thing, &client_id);
    if (!e) e = fill(s->topic, thing, &topic);
    if (!e) e = put_document(s, buf_str(&client_id), buf_str(&topic), out);
    buf_dispose(&client_id);
    buf_dispose(&topic);
    return e;
}

/* One way of writing for all that say the same. */
struct item {
    json_t *value;
    char *text;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct item *)a)->text, ((const struct item *)b)->text);
}

static char *text_of(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static json_t *normal(json_t *value);

/* Sorted; a list of one is its item. @return new reference; NULL: no memory */
static json_t *normal_list(const json_t *list)
{
    size_t n = json_array_size(list), done = 0;
    struct item *items = calloc(n ? n : 1, sizeof *items);
    json_t *out = items ? json_array() : NULL;
    for (; out && done < n; done++) {
        items[done].value = normal(json_array_get(list, done));
        items[done].text = items[done].value ? text_of(items[done].value) : NULL;
        if (!items[done].text) break;
    }
    bool ok = out && done == n;
    if (ok) qsort(items, n, sizeof *items, by_text);
    for (size_t i = 0; items && i < n; i++) {
        ok = ok && json_array_append(out, items[i].value) == 0;
        json_decref(items[i].value);
        free(items[i].text);
    }
    free(items);
    json_t *made = !ok ? NULL : json_incref(n == 1 ? json_array_get(out, 0) : out);
    json_decref(out);
    return made;
}

/* It cannot go deep: json_in_text() takes only so many levels. @return new reference; NULL: no
 * memory */
static json_t *normal(json_t *value)
{
    if (json_is_array(value)) return normal_list(value);
    if (!json_is_object(value)) return json_incref(value);
    const char *name;
    json_t *member, *out = json_object();
    json_object_foreach(value, name, member)
    {
        if (json_object_set_new(out, name, normal(member)) == 0) continue;
        json_decref(out);
        return NULL;
    }
    return out;
}

/* @return heap; NULL when it is not an object */
static char *canonical(const char *document)
{
    json_t *object, *same = NULL;
    if (!json_in_text(document, strlen(document), &object)) same = normal(object);
    char *text = same ? text_of(same) : NULL;
    json_decref(same);
    json_decref(object);
    return text;
}

void iot_policy_name(const char *document, char out[33])
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    char *text = canonical(document);
    const char *what = text ? text : document;
    digest_sha256(what, strlen(what), digest);
    snprintf(out, 33, "espgate-%.16s", digest_hex(digest, sizeof digest, hex));
    free(text);
}

bool iot_policy_same(const char *a, const char *b)
{
    if (strcmp(a, b) == 0) return true;
    char *one = canonical(a), *other = canonical(b);
    bool same = one && other && strcmp(one, other) == 0;
    free(one);
    free(other);
    return same;
}
