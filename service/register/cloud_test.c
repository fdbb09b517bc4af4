#include "service/register/cloud_test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_iot.h"
#include "service/cloud/iot_endpoint.h"
#include "service/cloud/iot_roots.h"
#include "service/pki/check.h"
#include "service/register/probes.h"
#include "service/store/text.h"

enum { CLOCK_WARN_S = 60, ROOTS_MAX = 64 * 1024 };

struct test {
    struct aws_use use;
    struct cloud_view view;
    json_t *checks;
    bool failed;
    char account[16], arn[AWS_ARN], endpoint[IOT_ENDPOINT];
};

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static void add(struct test *t, const char *name, enum check_verdict verdict,
                const struct err_info *told)
{
    struct err_info clean = *told, *what = &clean;
    text_clean_error(what);
    t->failed |= verdict == CHECK_FAIL;
    json_array_append_new(t->checks,
                          json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "name", name, "verdict",
                                    check_verdict_name(verdict), "code", text_or_null(what->code),
                                    "detail", what->detail, "said", text_or_null(what->device),
                                    "hint", text_or_null(what->hint)));
}

static void pass(struct test *t, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void pass(struct test *t, const char *name, const char *fmt, ...)
{
    struct err_info what = {.kind = ERR_OK};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what.detail, sizeof what.detail, fmt, ap);
    va_end(ap);
    add(t, name, CHECK_PASS, &what);
}

/* The error of this thread. */
static void fail(struct test *t, const char *name)
{
    add(t, name, CHECK_FAIL, err_last());
}

/* --- who we are there --- */

/* What a first call proves, each upon the one before. */
enum stage { KEYS, REACHABLE, CLOCK, REGION, SIGNATURE, STAGES };
static const char *const stage_names[] = {"keys", "reachable", "clock", "region", "signature"};

static enum stage stage_of(const char *code)
{
    static const struct {
        const char *code;
        enum stage stage;
    } known[] = {
        {"aws_clock", CLOCK},
        {"aws_region", REGION},
        {"aws_secret", SIGNATURE},
        {"aws_key_unknown", SIGNATURE},
        {"aws_token_expired", SIGNATURE},
        {"aws_permission", SIGNATURE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(code, known[i].code) == 0) return known[i].stage;
    return strncmp(code, "aws_", 4) == 0 ? REACHABLE : KEYS;
}

static void pass_clock(struct test *t)
{
    int64_t off_s = aws_account_clock_off_s(t->use.account);
    struct err_info what = {.code = "clock_off",
                            .hint = "Let it follow a time server (NTP): certificates made here "
                                    "begin by its clock."};
    if (llabs(off_s) <= CLOCK_WARN_S) {
        pass(t, stage_names[CLOCK], "this machine's clock is AWS's within %d s", CLOCK_WARN_S);
        return;
    }
    snprintf(what.detail, sizeof what.detail,
             "this machine's clock is %lld s %s AWS's; requests are signed with the time there",
             (long long)llabs(off_s), off_s > 0 ? "behind" : "ahead of");
    add(t, stage_names[CLOCK], CHECK_WARN, &what);
}

static void pass_stage(struct test *t, enum stage stage)
{
    switch (stage) {
    case KEYS:
        pass(t, stage_names[stage], "there is a key (from: %s)",
             cloud_keys_from_name(t->view.keys_from));
        return;
    case REACHABLE:
        pass(t, stage_names[stage], "the control plane answers");
        return;
    case CLOCK:
        pass_clock(t);
        return;
    case REGION:
        pass(t, stage_names[stage], "it serves %s", t->view.region);
        return;
    case SIGNATURE:
        pass(t, stage_names[stage], "the key belongs to account %s (%.300s)", t->account, t->arn);
        return;
    case STAGES:
        return;
    }
}

/* @return can more be asked? */
static bool test_identity(struct test *t)
{
    enum err e = aws_caller_identity(&t->use, t->account, t->arn);
    struct err_info why = *err_last();
    text_clean(t->arn);
    enum stage reached = e ? stage_of(why.code) : STAGES;
    for (enum stage s = KEYS; s < reached; s++)
        pass_stage(t, s);
    if (e) add(t, stage_names[reached], CHECK_FAIL, &why);
    return !e;
}

/* --- where devices go --- */

static const char endpoint_name[] = "endpoint";

static void use_own_endpoint(struct test *t, const struct err_info *why)
{
    add(t, endpoint_name, CHECK_WARN, why);
    memcpy(t->endpoint, t->view.data_endpoint, sizeof t->endpoint);
}

/* One that the settings say was judged when they were made.
 *  @return is there one that can be tried? */
static bool test_endpoint(struct test *t)
{
    bool own = t->view.data_endpoint[0];
    if (!t->use.account && !own) {
        err_fail(ERR_ARG, "endpoint_not_known", "Put its address into data.endpoint.",
                 "nobody tells where devices connect: there is no key to ask the account with");
        fail(t, endpoint_name);
        return false;
    }
    if (!t->use.account) memcpy(t->endpoint, t->view.data_endpoint, sizeof t->endpoint);
    enum err e =
        t->use.account ? iot_describe_endpoint(&t->use, "iot:Data-ATS", t->endpoint) : ERR_OK;
    if (!e) e = iot_data_endpoint_check(t->endpoint, t->view.region);
    if (e && own) {
        use_own_endpoint(t, err_last());
    } else if (e) {
        fail(t, endpoint_name);
        return false;
    } else if (own && strcmp(t->view.data_endpoint, t->endpoint) != 0) {
        struct err_info what = {.code = "endpoint_differs",
                                .hint = "Leave data.endpoint out, unless it is meant so."};
        snprintf(what.detail, sizeof what.detail,
                 "devices are sent to data.endpoint, and not to the account's own, %s",
                 t->endpoint);
        use_own_endpoint(t, &what);
    } else {
        pass(t, endpoint_name, "devices connect to %s", t->endpoint);
    }
    return true;
}

static void test_data(struct test *t)
{
    static const char name[] = "data_endpoint";
    struct buf roots;
    buf_init(&roots, ROOTS_MAX);
    enum err e = iot_roots_find(t->endpoint, t->view.mqtt_port, t->view.data_root_ca, t->use.cancel,
                                t->use.until, &roots);
    if (e)
        fail(t, name);
    else
        pass(t, name, "%s:%d is trusted", t->endpoint, t->view.mqtt_port);
    buf_dispose(&roots);
}

/* --- what we may do there --- */

static void add_denied(struct test *t, const struct probe *p)
{
    struct err_info what = *err_last();
    if (p->only)
        snprintf(what.hint, sizeof what.hint, "Allow it to this key in IAM; only %s need it.",
                 p->only);
    add(t, p->action, p->only ? CHECK_WARN : CHECK_FAIL, &what);
}

static void test_permissions(struct test *t)
{
    struct probe_names names;
    probe_names_make(t->view.region, t->account, &names);
    for (size_t i = 0; i < probe_count; i++) {
        const struct probe *p = &probes[i];
        enum err e = deadline_passed(t->use.until)
                         ? err_fail(ERR_TIMEOUT, "not_asked", NULL, "there was no time left to ask")
                         : p->ask(&t->use, &names);
        switch (probe_judge(e)) {
        case PROBE_ALLOWED:
            pass(t, p->action, "allowed");
            break;
        case PROBE_DENIED:
            add_denied(t, p);
            break;
        case PROBE_UNKNOWN:
            add(t, p->action, CHECK_WARN, err_last());
            break;
        }
        if (e == ERR_CANCELLED) return;
    }
}

static void test_without_keys(struct test *t)
{
    const struct err_info what = {
        .code = "cloud_has_no_keys",
        .detail = "there is no key on this bench: things can be registered by claim only",
        .hint = "Give it keys to register in other ways."};
    add(t, stage_names[KEYS], CHECK_WARN, &what);
    if (test_endpoint(t)) test_data(t);
}

static void run(struct test *t)
{
    if (!t->use.account) {
        test_without_keys(t);
    } else if (test_identity(t)) {
        if (test_endpoint(t)) test_data(t);
        test_permissions(t);
    }
}

static json_t *told(const struct test *t)
{
    return json_pack("{s:b, s:o, s:o, s:o, s:O}", "ok", !t->failed, "account",
                     text_or_null(t->account), "arn", text_or_null(t->arn), "endpoint",
                     text_or_null(t->endpoint), "checks", t->checks);
}

enum err cloud_test(struct accounts *a, const char *cloud, struct cancel *cancel,
                    struct deadline until, json_t **out)
{
    struct test t = {.use = {.cancel = cancel, .until = until}, .checks = json_array()};
    enum err e = accounts_take(a, cloud, &t.use.account, &t.view);
    *out = NULL;
    if (!e)
        run(&t);
    else if (e != ERR_MEM && e != ERR_IO && !err_is(e, "cloud_not_found")) {
        fail(&t, stage_names[KEYS]);
        e = ERR_OK;
    }
    if (!e && cancel_is_raised(cancel)) e = err_set(ERR_CANCELLED, "cancelled");
    if (!e && !(*out = told(&t))) e = err_set(ERR_MEM, "out of memory");
    json_decref(t.checks);
    aws_account_unref(t.use.account);
    cloud_view_dispose(&t.view);
    return e;
}
