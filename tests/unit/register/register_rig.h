/* register_rig: a store, a cloud in it that is the one in memory, and what is to be registered
 * there. */
#ifndef TESTS_UNIT_REGISTER_REGISTER_RIG_H
#define TESTS_UNIT_REGISTER_REGISTER_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/register/register.h"
#include "service/store/clouds.h"
#include "tests/unit/register/fake_cloud.h"
#include "tests/unit/store/fresh.h"

static struct accounts *accounts;

static struct register_spec spec;

static struct register_order order;

static void put_cloud(void)
{
    struct field_errors errors = {.count = 0};
    struct named_settings made;
    bool moved;
    json_t *settings =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:i, s:s}}", "provider", "aws", "region",
                  "us-east-2", "keys", "from", "request", "access_key_id", "AKIDEXAMPLE00000",
                  "secret_access_key", "not+a+secret+but+as+long+as+one+of+theirs", "data",
                  "mqtt_port", 8883, "root_ca", buf_str(&cloud.root));
    enum err e = cloud_make("prod", settings, NULL, &made, &moved, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_message("%s %s\n", errors.items[i].pointer, errors.items[i].detail);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(store_cloud_put(store, &made, false), ERR_OK);
    named_settings_dispose(&made);
    json_decref(settings);
}

static void read_spec(const char *text)
{
    struct field_errors errors = {.count = 0};
    json_t *value = json_loads(text, 0, NULL);
    spec_read(value, "/cloud", &spec, &errors);
    json_decref(value);
    if (errors.count) print_message("%s %s\n", errors.items[0].pointer, errors.items[0].detail);
    assert_int_equal(errors.count, 0);
    assert_int_equal(spec_fill(&spec, "240ac4123456", "left"), ERR_OK);
}

static int begin(void **state)
{
    if (setup(state)) return -1;
    cloud_clear();
    put_cloud();
    read_spec("{\"name\":\"prod\",\"thing\":\"one\",\"key\":\"P-256\",\"groups\":[\"line\"],"
              "\"attributes\":{\"mac\":\"{mac}\"}}");
    order = (struct register_order){
        .spec = &spec, .client_id = "{thing}", .topic = "{thing}/check", .job = "", .actor = "ann"};
    return accounts_new(store, &accounts) ? -1 : 0;
}

static int end(void **state)
{
    accounts_free(accounts);
    return teardown(state);
}

static const struct register_use *use(int64_t ms)
{
    static struct register_use u;
    u = (struct register_use){store, accounts, NULL, deadline_in_ms(ms)};
    return &u;
}

static const struct register_use *patient(void)
{
    return use(100 * 1000);
}

static enum err all(struct registration_record *r)
{
    enum err e = register_run(patient(), r);
    return e ? e : register_activate(patient(), r);
}

/* What was in memory is lost. */
static inline void restart(struct registration_record *r)
{
    char id[ID_TEXT];
    memcpy(id, r->id, sizeof id);
    registration_record_dispose(r);
    cloud.ended = false;
    cloud.end_at = 0;
    accounts_free(accounts);
    store_close(store);
    assert_int_equal(store_open(folder.path, &store), ERR_OK);
    assert_int_equal(accounts_new(store, &accounts), ERR_OK);
    assert_int_equal(store_registration_get(store, id, r), ERR_OK);
}

static inline void expect_counts(int things, int certificates, int policies)
{
    int n;
    COUNT(things, name, n);
    assert_int_equal(n, things);
    COUNT(certificates, id, n);
    assert_int_equal(n, certificates);
    COUNT(policies, name, n);
    assert_int_equal(n, policies);
}

/* One thing with one active certificate, which has its policy, and whose key is here. */
static inline void expect_registered(const struct registration_record *r)
{
    struct buf key;
    struct credential_record c;
    struct fake_certificate *made = certificate_of(r->certificate);
    expect_counts(1, 1, 1);
    assert_int_equal(r->state, REGISTRATION_ACTIVE);
    assert_non_null(made);
    assert_string_equal(made->status, "ACTIVE");
    assert_string_equal(made->thing, "one");
    assert_string_equal(made->policy, r->policy);
    assert_int_equal(store_credential_get(store, r->credential, &c), ERR_OK);
    assert_string_equal(c.fingerprint_sha256, r->certificate);
    credential_record_dispose(&c);
    buf_init_secret(&key, FAKE_PEM);
    assert_int_equal(store_credential_key(store, r->credential, &key), ERR_OK);
    buf_reset(&key);
    assert_int_equal(store_registration_secret(store, r->id, &key), ERR_OK);
    assert_int_equal(key.len, 0); /* it is in one place only */
    buf_dispose(&key);
}

static inline void expect_clean(const struct registration_record *r)
{
    char left[256];
    struct credential_record c;
    expect_counts(0, 0, 0);
    assert_int_equal(r->state, REGISTRATION_UNDONE);
    registration_left(r, left, sizeof left);
    assert_string_equal(left, "");
    if (r->credential[0])
        assert_int_equal(store_credential_get(store, r->credential, &c), ERR_NOT_FOUND);
}

static inline void fail_once(const char *operation, enum err kind, const char *code, bool done)
{
    cloud.fail_operation = operation;
    cloud.fail_kind = kind;
    cloud.fail_code = code;
    cloud.fail_done = done;
}

static inline void register_one(const char *thing, struct registration_record *out)
{
    char text[128];
    snprintf(text, sizeof text, "{\"name\":\"prod\",\"thing\":\"%s\",\"key\":\"P-256\"}", thing);
    read_spec(text);
    assert_int_equal(register_begin(patient(), &order, out), ERR_OK);
    assert_int_equal(all(out), ERR_OK);
}

static int start(void **state)
{
    (void)state;
    cloud_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cloud_stop();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#endif
