/* Two documents: does comparing them keep to the rules of "the same", and does the name agree? And
 * the same two as client id and topic of a policy: nothing but the one variable is ever a pattern
 * in it. */
#include <assert.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/json_in.h"
#include "service/cloud/iot_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *document, char out[33])
{
    iot_policy_name(document, out);
    assert(strncmp(out, "espgate-", 8) == 0 && strlen(out) == 24);
    assert(strspn(out + 8, "0123456789abcdef") == 16);
}

/* Written differently it says the same. */
static void check_rewritten(const char *document)
{
    json_t *object;
    if (json_in_text(document, strlen(document), &object)) return;
    char *wide = json_dumps(object, JSON_INDENT(3) | JSON_ENSURE_ASCII);
    char *sorted = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *list = json_array(), *outer = json_object(), *inner = json_object();
    json_array_append(list, object);
    json_object_set(outer, "Statement", list);
    json_object_set(inner, "Statement", object);
    char *listed = json_dumps(outer, 0), *single = json_dumps(inner, 0);
    assert(wide && sorted && listed && single);
    assert(iot_policy_same(document, wide) && iot_policy_same(sorted, wide));
    json_t *parsed; /* one level deeper may be one too many */
    if (json_in_text(listed, strlen(listed), &parsed) == ERR_OK) {
        assert(iot_policy_same(listed, single));
        json_decref(parsed);
    }
    free(wide);
    free(sorted);
    free(listed);
    free(single);
    json_decref(list);
    json_decref(outer);
    json_decref(inner);
    json_decref(object);
}

static void check_made(const char *client_id, const char *topic)
{
    static const char variable[] = "${iot:Connection.Thing.ThingName}";
    const struct iot_policy_scope s = {"aws", "us-east-2", "123456789012", client_id, topic, "n"};
    struct buf b;
    buf_init(&b, 8192);
    if (iot_policy_make(&s, &b) == ERR_OK) {
        json_t *object;
        assert(b.len <= 2048);
        assert(json_in_text(buf_str(&b), b.len, &object) == ERR_OK);
        json_decref(object);
        assert(!strpbrk(buf_str(&b), "*?"));
        for (const char *at = buf_str(&b); (at = strstr(at, "${")); at++)
            assert(strncmp(at, variable, sizeof variable - 1) == 0);
    }
    buf_dispose(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char a_name[33], b_name[33];
    char *a = strndup((const char *)data, size);
    assert(a);
    char *b = strchr(a, '\n');
    if (b)
        *b++ = '\0';
    else
        b = a;
    bool same = iot_policy_same(a, b);
    assert(same == iot_policy_same(b, a) && iot_policy_same(a, a));
    check_name(a, a_name);
    check_name(b, b_name);
    assert(same == (strcmp(a_name, b_name) == 0));
    check_rewritten(a);
    check_made(a, b);
    free(a);
    return 0;
}
