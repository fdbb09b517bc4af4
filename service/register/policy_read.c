#include "service/register/policy_read.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char thing_variable[] = "${iot:Connection.Thing.ThingName}";

enum { RESOURCE = 2048 };

/* The wildcards of policies: * any characters, ? one. Linear but for the last star. */
static bool matches(const char *pattern, const char *text, bool any_case)
{
    const char *star = NULL, *from = text;
    while (*text) {
        char p = *pattern, t = *text;
        if (any_case && p >= 'A' && p <= 'Z') p = (char)(p - 'A' + 'a');
        if (any_case && t >= 'A' && t <= 'Z') t = (char)(t - 'A' + 'a');
        if (p == '*') {
            star = pattern++;
            from = text;
        } else if (p == '?' || (p && p == t)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* A single item may stand for a list of it. */
static size_t count(const json_t *v)
{
    return json_is_array(v) ? json_array_size(v) : v ? 1 : 0;
}

static const json_t *item(const json_t *v, size_t i)
{
    return json_is_array(v) ? json_array_get(v, i) : v;
}

static bool is_about(const json_t *statement, const char *action)
{
    const json_t *actions = json_object_get(statement, "Action");
    const char *effect = json_string_value(json_object_get(statement, "Effect"));
    if (!effect || strcmp(effect, "Allow") != 0) return false;
    for (size_t i = 0; i < count(actions); i++) {
        const char *a = json_string_value(item(actions, i));
        if (a && matches(a, action, true)) return true;
    }
    return false;
}

/* Called for each resource for which @p action is allowed. @return true: enough */
typedef bool (*resource_fn)(const char *resource, void *arg);

static bool each_allowed(const char *document, const char *action, resource_fn fn, void *arg)
{
    bool enough = false;
    json_t *policy = json_loads(document, 0, NULL);
    const json_t *statements = json_object_get(policy, "Statement");
    for (size_t i = 0; !enough && i < count(statements); i++) {
        const json_t *statement = item(statements, i);
        const json_t *resources = json_object_get(statement, "Resource");
        if (!is_about(statement, action)) continue;
        for (size_t k = 0; !enough && k < count(resources); k++) {
            const char *resource = json_string_value(item(resources, k));
            if (resource) enough = fn(resource, arg);
        }
    }
    json_decref(policy);
    return enough;
}

bool policy_needs_thing(const char *document)
{
    return strstr(document, "${iot:Connection.Thing.") != NULL;
}

/* --- is it allowed? --- */

struct wanted {
    const char *resource, *thing;
};

/* @return false: it does not fit, or there is no thing */
static bool with_thing(const char *pattern, const char *thing, char out[RESOURCE])
{
    size_t n = 0;
    while (*pattern && n < RESOURCE) {
        const char *variable = strstr(pattern, thing_variable);
        size_t plain = variable ? (size_t)(variable - pattern) : strlen(pattern);
        if (variable && !thing) return false;
        n += (size_t)snprintf(out + n, RESOURCE - n, "%.*s%s", (int)plain, pattern,
                              variable ? thing : "");
        pattern += plain + (variable ? sizeof thing_variable - 1 : 0);
    }
    return n < RESOURCE;
}

static bool is_wanted(const char *resource, void *arg)
{
    const struct wanted *w = arg;
    char pattern[RESOURCE] = "";
    return with_thing(resource, w->thing, pattern) && matches(pattern, w->resource, false);
}

bool policy_allows(const char *document, const char *action, const char *resource,
                   const char *thing)
{
    struct wanted w = {resource, thing};
    return each_allowed(document, action, is_wanted, &w);
}

/* --- what is? --- */

struct listing {
    char *out;
    size_t cap;
};

/* Behind the account: "arn:aws:iot:us-east-2:123456789012:client/a". */
static const char *without_front(const char *arn)
{
    for (int colons = 0; colons < 5; colons++) {
        const char *colon = strchr(arn, ':');
        if (!colon) return arn;
        arn = colon + 1;
    }
    return arn;
}

static bool list(const char *resource, void *arg)
{
    struct listing *l = arg;
    const char *name = without_front(resource);
    size_t n = strlen(l->out), more = strlen(name) + (n ? 2 : 0);
    if (n + more < l->cap) snprintf(l->out + n, l->cap - n, "%s%s", n ? ", " : "", name);
    return false;
}

void policy_add_allowed(const char *document, const char *action, char *out, size_t cap)
{
    struct listing l = {out, cap};
    each_allowed(document, action, list, &l);
}
