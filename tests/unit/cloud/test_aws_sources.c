/* Keys of the files that AWS's tools share, of the environment, and of a credential provider. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "service/cloud/aws_ini.h"
#include "service/cloud/aws_sources.h"
#include "tests/unit/cloud/fixture_control.h"

/* --- files --- */

static struct aws_profile read_as(enum aws_ini_kind kind, const char *text, const char *name)
{
    struct aws_profile p = {.found = false};
    aws_ini_read(text, strlen(text), kind, name, &p);
    return p;
}

static void expect_key(const struct aws_profile *p, const char *id, const char *secret,
                       const char *token)
{
    assert_true(p->found);
    assert_string_equal(p->keys.access_key_id, id);
    assert_string_equal(p->keys.secret_access_key, secret);
    assert_string_equal(p->keys.session_token, token);
    assert_null(p->malformed);
    assert_string_equal(p->unsupported, "");
}

static void a_profile_ends_where_the_next_begins(void **state)
{
    (void)state;
    const char text[] = "aws_access_key_id = before\n"
                        "[a]\naws_access_key_id=A\naws_secret_access_key=S=/+\n"
                        "[ b ]\r\n aws_access_key_id = B \r\n\taws_secret_access_key\t=\tT\r\n"
                        "aws_session_token = K\r\n[c]\n";
    struct aws_profile p = read_as(AWS_INI_CREDENTIALS, text, "a");
    expect_key(&p, "A", "S=/+", "");
    p = read_as(AWS_INI_CREDENTIALS, text, "b");
    expect_key(&p, "B", "T", "K");
    p = read_as(AWS_INI_CREDENTIALS, text, "c");
    expect_key(&p, "", "", "");
    p = read_as(AWS_INI_CREDENTIALS, text, "d");
    assert_false(p.found);
}

static void a_config_file_names_its_profiles_in_its_own_way(void **state)
{
    (void)state;
    const char text[] = "[default]\naws_access_key_id=D\n[profile a]\naws_access_key_id=A\n"
                        "[profile\t'b c']\naws_access_key_id=B\n[e]\naws_access_key_id=E\n"
                        "[profile]\naws_access_key_id=none\n[profiles]\naws_access_key_id=P\n";
    static const char *const found[][2] = {{"default", "D"}, {"a", "A"}, {"b c", "B"}};
    for (size_t i = 0; i < 3; i++) {
        struct aws_profile p = read_as(AWS_INI_CONFIG, text, found[i][0]);
        assert_true(p.found);
        assert_string_equal(p.keys.access_key_id, found[i][1]);
    }
    static const char *const missing[] = {"e", "profile", "profiles", "s", ""};
    for (size_t i = 0; i < 5; i++)
        assert_false(read_as(AWS_INI_CONFIG, text, missing[i]).found);
    assert_true(read_as(AWS_INI_CREDENTIALS, "[profile a]\n", "profile a").found);
}

static void comments_begin_behind_a_blank(void **state)
{
    (void)state;
    struct aws_profile p = read_as(AWS_INI_CREDENTIALS,
                                   "# [a]\n;[a]\n[a] # ours\n#aws_access_key_id=no\n"
                                   "aws_access_key_id=A#1 # the rest\n"
                                   "aws_secret_access_key = s;t ; u\n  ; x = y\n",
                                   "a");
    expect_key(&p, "A#1", "s;t", "");
}

static void a_block_of_indented_lines_is_skipped(void **state)
{
    (void)state;
    struct aws_profile p = read_as(AWS_INI_CREDENTIALS,
                                   "[a]\naws_access_key_id=A\ns3 =\n  aws_access_key_id = nested\n"
                                   "\taws_secret_access_key = nested\naws_secret_access_key=S\n",
                                   "a");
    expect_key(&p, "A", "S", "");
}

static void of_two_the_last_counts_also_of_two_files(void **state)
{
    (void)state;
    static const char first[] = "[profile a]\naws_access_key_id=1\naws_access_key_id=2\n"
                                "aws_session_token=t\n";
    static const char second[] = "[a]\naws_access_key_id=3\naws_secret_access_key=S";
    struct aws_profile p = read_as(AWS_INI_CONFIG, first, "a");
    assert_string_equal(p.keys.access_key_id, "2");
    aws_ini_read(second, strlen(second), AWS_INI_CREDENTIALS, "a", &p);
    expect_key(&p, "3", "S", "t");
}

static void what_cannot_be_a_key_is_told_by_name(void **state)
{
    (void)state;
    char text[AWS_TOKEN + 64];
    struct aws_profile p =
        read_as(AWS_INI_CREDENTIALS, "[a]\naws_secret_access_key = two words\n", "a");
    assert_string_equal(p.malformed, "aws_secret_access_key");
    assert_string_equal(p.keys.secret_access_key, "");
    for (size_t n = AWS_TOKEN - 1; n <= AWS_TOKEN; n++) {
        snprintf(text, sizeof text, "[a]\naws_session_token=%0*d", (int)n, 0);
        p = read_as(AWS_INI_CREDENTIALS, text, "a");
        assert_int_equal(strlen(p.keys.session_token), n < AWS_TOKEN ? n : 0);
        assert_true((p.malformed == NULL) == (n < AWS_TOKEN));
    }
    p = (struct aws_profile){.found = false};
    aws_ini_read("[a]\naws_access_key_id=x\0y", 25, AWS_INI_CREDENTIALS, "a", &p);
    assert_string_equal(p.malformed, "aws_access_key_id");
}

static void keys_from_elsewhere_are_told_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"role_arn", "sso_session", "credential_process",
                                        "web_identity_token_file"};
    for (size_t i = 0; i < 4; i++) {
        char text[128];
        snprintf(text, sizeof text, "[a]\n%s = x\n", names[i]);
        assert_string_equal(read_as(AWS_INI_CREDENTIALS, text, "a").unsupported, names[i]);
    }
    struct aws_profile p =
        read_as(AWS_INI_CREDENTIALS, "[a]\nregion = x\nsource_profile = b\n", "a");
    assert_string_equal(p.unsupported, "");
}

/* --- environment --- */

static void the_environment_is_read_when_it_is_asked(void **state)
{
    (void)state;
    struct aws_config c = {.region = ""};
    struct aws_keys keys;
    aws_keys_of_environment(&c);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SESSION_TOKEN");
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    assert_int_equal(c.keys(c.keys_arg, NULL, deadline_never(), &keys), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "keys_incomplete");
    assert_string_equal(err_last()->detail,
                        "environment: AWS_SECRET_ACCESS_KEY is there without AWS_ACCESS_KEY_ID");
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    assert_int_equal(c.keys(c.keys_arg, NULL, deadline_never(), &keys), ERR_OK);
    assert_string_equal(keys.access_key_id, "id");
    assert_string_equal(keys.secret_access_key, "s");
    assert_string_equal(keys.session_token, "");
    setenv("AWS_SESSION_TOKEN", "a\r\nHost: b", 1);
    assert_int_equal(c.keys(c.keys_arg, NULL, deadline_never(), &keys), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "keys_malformed");
}

/* --- credential provider --- */

static struct pki pki;
static struct control control;
static struct control_say say;
static char seen[512], seen_head[2048];

#define GOOD                                                                                       \
    "{\"credentials\":{\"accessKeyId\":\"ASIA1\",\"secretAccessKey\":\"se/cr+et\","                \
    "\"sessionToken\":\"to/k+en=\",\"expiration\":\"2026-01-02T03:04:05Z\"}}"

static void answer(struct control *c, const struct control_request *r, struct control_say *out)
{
    (void)c;
    snprintf(seen, sizeof seen, "%s", r->line);
    snprintf(seen_head, sizeof seen_head, "%.2047s", r->head);
    *out = say;
}

static int make(void **state)
{
    (void)state;
    pki_make(&pki);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    pki_drop(&pki);
    return 0;
}

static int before(void **state)
{
    (void)state;
    control_start(&control, &pki.broker, answer);
    SSL_CTX_set_verify(control.ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(control.ctx), pki.ca.cert);
    say = (struct control_say){.status = 200, .body = GOOD};
    return 0;
}

static int after(void **state)
{
    (void)state;
    control_stop(&control);
    return 0;
}

static enum err ask(struct cancel *cancel, struct aws_keys *out)
{
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "localhost:%d", control.port);
    const struct aws_provider from = {.endpoint = endpoint,
                                      .role_alias = "bench@1",
                                      .thing = "bench-3",
                                      .certificate_pem = pki.device.cert_pem,
                                      .key_pem = pki.device.key_pem,
                                      .ca_pem = pki.ca.cert_pem};
    struct aws_config c = {.region = ""};
    assert_int_equal(aws_keys_of_provider(&from, &c), ERR_OK);
    enum err e = c.keys(c.keys_arg, cancel, deadline_in_ms(30000), out);
    c.keys_free(c.keys_arg);
    return e;
}

static void a_provider_gives_keys_with_an_end(void **state)
{
    (void)state;
    struct aws_keys keys;
    assert_int_equal(ask(NULL, &keys), ERR_OK);
    assert_string_equal(keys.access_key_id, "ASIA1");
    assert_string_equal(keys.secret_access_key, "se/cr+et");
    assert_string_equal(keys.session_token, "to/k+en=");
    assert_int_equal(keys.expires_unix_s, 1767323045);
    assert_string_equal(seen, "GET /role-aliases/bench%401/credentials HTTP/1.1");
    assert_non_null(strstr(seen_head, "x-amzn-iot-thingname: bench-3\r\n"));
    say.body = "{\"credentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":"
               "\"t\",\"expiration\":\"2026-01-02T03:04:05.678Z\"}}";
    assert_int_equal(ask(NULL, &keys), ERR_OK);
    assert_int_equal(keys.expires_unix_s, 1767323045);
}

static void what_is_no_key_is_not_taken(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        NULL,
        "",
        "<html>welcome</html>",
        "{}",
        "[]",
        "{\"credentials\":[]}",
        "{\"credentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\"}"
        "}",
        "{\"credentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\","
        "\"expiration\":\"tomorrow\"}}",
        "{\"credentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"sessionToken\":"
        "\"a\\nb\",\"expiration\":\"2026-01-02T03:04:05Z\"}}",
        "{\"credentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"\",\"sessionToken\":\"t\","
        "\"expiration\":\"2026-01-02T03:04:05Z\"}}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct aws_keys keys;
        say.body = bodies[i];
        assert_int_equal(ask(NULL, &keys), ERR_PROTOCOL);
        assert_string_equal(err_last()->code, "keys_bad_answer");
    }
}

static void a_refusal_is_told_in_its_words(void **state)
{
    (void)state;
    struct aws_keys keys;
    say = (struct control_say){.status = 403, .body = "{\"message\":\"Access Denied\"}"};
    assert_int_equal(ask(NULL, &keys), ERR_CLOUD);
    assert_string_equal(err_last()->code, "keys_refused");
    assert_string_equal(err_last()->device, "Access Denied");
    say = (struct control_say){.status = 503};
    assert_int_equal(ask(NULL, &keys), ERR_PROTOCOL);
    say = (struct control_say){.status = 200, .fill = 256 * 1024};
    assert_int_equal(ask(NULL, &keys), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "keys_bad_answer");
}

static void an_end_that_is_asked_for_ends_the_asking(void **state)
{
    (void)state;
    struct aws_keys keys;
    struct cancel cancel;
    assert_int_equal(cancel_init(&cancel), ERR_OK);
    cancel_raise(&cancel);
    say = (struct control_say){.mute = true};
    assert_int_equal(ask(&cancel, &keys), ERR_CANCELLED);
    cancel_dispose(&cancel);
}

static void a_connection_that_is_cut_is_no_answer(void **state)
{
    (void)state;
    struct aws_keys keys;
    say = (struct control_say){.status = 0, .cut = true};
    assert_int_equal(ask(NULL, &keys), ERR_NETWORK);
    assert_string_equal(err_last()->code, "keys_unreachable");
}

#define PROVIDER(test) cmocka_unit_test_setup_teardown(test, before, after)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_ends_where_the_next_begins),
        cmocka_unit_test(a_config_file_names_its_profiles_in_its_own_way),
        cmocka_unit_test(comments_begin_behind_a_blank),
        cmocka_unit_test(a_block_of_indented_lines_is_skipped),
        cmocka_unit_test(of_two_the_last_counts_also_of_two_files),
        cmocka_unit_test(what_cannot_be_a_key_is_told_by_name),
        cmocka_unit_test(keys_from_elsewhere_are_told_by_name),
        cmocka_unit_test(the_environment_is_read_when_it_is_asked),
        PROVIDER(a_provider_gives_keys_with_an_end),
        PROVIDER(what_is_no_key_is_not_taken),
        PROVIDER(a_refusal_is_told_in_its_words),
        PROVIDER(an_end_that_is_asked_for_ends_the_asking),
        PROVIDER(a_connection_that_is_cut_is_no_answer),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
