#include "service/pki/check.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

const char *check_verdict_name(enum check_verdict v)
{
    switch (v) {
    case CHECK_PASS:
        return "pass";
    case CHECK_WARN:
        return "warn";
    case CHECK_FAIL:
        return "fail";
    }
    return "fail";
}

const struct check *check_first_failure(const struct check_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].verdict == CHECK_FAIL) return &l->items[i];
    return NULL;
}

void check_add(struct check_list *l, const char *name, enum check_verdict v, const char *code,
               const char *fmt, ...)
{
    assert(l->count < CHECKS_MAX);
    struct check *c = &l->items[l->count++];
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->code, sizeof c->code, "%s", v == CHECK_PASS ? "" : code);
    c->verdict = v;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->detail, sizeof c->detail, fmt, ap);
    va_end(ap);
}
