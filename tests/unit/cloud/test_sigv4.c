/* Signatures against requests as AWS's SDK for JavaScript signs them, against worked examples with
 * every intermediate step, and, where it is at hand, against AWS's own suite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <dirent.h>
#include <jansson.h>

#include "service/cloud/sigv4.h"

#define DATA   "tests/data/aws/"
#define SUITE  "../shared/vectors/sigv4/aws-c-auth/"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

enum { TEXT = 64 * 1024 };

struct example {
    char path[1024], query[2048], region[32], service[32], key[32];
    struct sigv4_header headers[SIGV4_HEADERS];
    struct sigv4_request request;
    struct sigv4_scope scope;
};

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static void set_target(struct example *x, const char *target)
{
    const char *mark = strchr(target, '?');
    size_t n = mark ? (size_t)(mark - target) : strlen(target);
    snprintf(x->path, sizeof x->path, "%.*s", (int)n, target);
    snprintf(x->query, sizeof x->query, "%s", mark ? mark + 1 : "");
    x->request.path = x->path;
    x->request.query = x->query;
    x->request.headers = x->headers;
}

static void expect_authorization(const struct example *x, const char *expected)
{
    struct buf got;
    buf_init(&got, TEXT);
    assert_int_equal(sigv4_authorization(&x->request, &x->scope, &got), ERR_OK);
    assert_string_equal(buf_str(&got), expected);
    buf_dispose(&got);
}

/* --- what the SDK sent */

static void read_capture(struct example *x, json_t *request)
{
    json_t *headers = json_object_get(request, "headers"), *name;
    size_t i;
    memset(x, 0, sizeof *x);
    set_target(x, text(request, "target"));
    x->request.method = text(request, "method");
    x->request.body = text(request, "body");
    x->request.body_len = strlen(text(request, "body"));
    json_array_foreach(json_object_get(request, "signed_headers"), i, name)
    {
        const char *n = json_string_value(name);
        assert_true(i < SIGV4_HEADERS);
        x->headers[x->request.n_headers++] = (struct sigv4_header){n, text(headers, n)};
    }
    char day[16];
    assert_int_equal(sscanf(text(request, "credential_scope"), "%31[^/]/%15[^/]/%31[^/]/%31[^/]/",
                            x->key, day, x->region, x->service),
                     4);
    x->scope = (struct sigv4_scope){x->key, SECRET, x->region, x->service, ""};
    snprintf(x->scope.time, sizeof x->scope.time, "%s", text(headers, "x-amz-date"));
}

static void every_request_of_the_sdk_is_signed_alike(void **state)
{
    (void)state;
    struct example x;
    size_t count = 0;
    DIR *d = opendir(DATA "captures");
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        char path[512];
        if (f->d_name[0] == '.') continue;
        snprintf(path, sizeof path, DATA "captures/%s", f->d_name);
        json_t *capture = json_load_file(path, 0, NULL);
        assert_non_null(capture);
        json_t *request = json_object_get(capture, "request");
        read_capture(&x, request);
        expect_authorization(&x, text(json_object_get(request, "headers"), "authorization"));
        json_decref(capture);
        count++;
    }
    closedir(d);
    assert_int_equal(count, 57);
}

/* --- worked examples */

static void expect_steps(const struct example *x, const json_t *expected)
{
    struct buf got;
    buf_init(&got, TEXT);
    assert_int_equal(sigv4_canonical(&x->request, &got), ERR_OK);
    assert_string_equal(buf_str(&got), text(expected, "canonical_request"));
    buf_reset(&got);
    assert_int_equal(sigv4_string_to_sign(&x->request, &x->scope, &got), ERR_OK);
    assert_string_equal(buf_str(&got), text(expected, "string_to_sign"));
    buf_dispose(&got);
    expect_authorization(x, text(expected, "authorization"));
}

static void every_step_of_worked_examples_is_the_same(void **state)
{
    (void)state;
    size_t i;
    json_t *list = json_load_file(DATA "requests.json", 0, NULL), *one, *value;
    assert_true(json_array_size(list) > 10);
    json_array_foreach(list, i, one)
    {
        struct example x = {0};
        const char *name;
        set_target(&x, text(one, "target"));
        x.request.method = text(one, "method");
        x.request.body = text(one, "body");
        x.request.body_len = strlen(text(one, "body"));
        json_object_foreach(json_object_get(one, "headers"), name, value)
            x.headers[x.request.n_headers++] =
            (struct sigv4_header){name, json_string_value(value)};
        x.scope = (struct sigv4_scope){text(one, "access_key_id"), text(one, "secret_access_key"),
                                       text(one, "region"), text(one, "service"), ""};
        snprintf(x.scope.time, sizeof x.scope.time, "%s", text(one, "timestamp"));
        expect_steps(&x, one);
    }
    json_decref(list);
}

/* --- AWS's suite */

static char *load(const char *folder, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, SUITE "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    char *out = calloc(1, TEXT);
    assert_non_null(out);
    assert_non_null(f);
    assert_true(fread(out, 1, TEXT - 1, f) > 0);
    fclose(f);
    return out;
}

/* "2015-08-30T12:36:00Z" → "20150830T123600Z" */
static void take_time(const char *from, char out[SIGV4_TIME])
{
    size_t n = 0;
    for (; *from; from++)
        if (*from != '-' && *from != ':' && n + 1 < SIGV4_TIME) out[n++] = *from;
    out[n] = '\0';
}

/* Cut a request into its parts, in place. A line that begins with a blank goes on with the one
 * before. */
static void read_request(struct example *x, char *raw)
{
    char *body = strstr(raw, "\n\n"), *rest = raw, *line;
    if (body) {
        *body = '\0';
        x->request.body = body + 2;
        x->request.body_len = strlen(body + 2);
    }
    char *first = strsep(&rest, "\n"), *target = strchr(first, ' ') + 1;
    target[-1] = '\0';
    char *version = strstr(target, " HTTP/");
    assert_non_null(version);
    *version = '\0';
    x->request.method = first;
    set_target(x, target);
    for (char *at = rest; at && *at; at++)
        if (*at == '\n' && (at[1] == ' ' || at[1] == '\t')) *at = ' ';
    while ((line = strsep(&rest, "\n")) && *line) {
        char *colon = strchr(line, ':');
        *colon = '\0';
        x->headers[x->request.n_headers++] = (struct sigv4_header){line, colon + 1};
    }
}

static void add(struct example *x, const char *name, const char *value)
{
    for (size_t i = 0; i < x->request.n_headers; i++)
        if (strcasecmp(x->headers[i].name, name) == 0) return;
    x->headers[x->request.n_headers++] = (struct sigv4_header){name, value};
}

static void follow(const char *folder)
{
    struct example x = {0};
    char *raw = load(folder, "request.txt"), *context_text = load(folder, "context.json");
    char *canonical = load(folder, "header-canonical-request.txt");
    char *string = load(folder, "header-string-to-sign.txt");
    char *signature = load(folder, "header-signature.txt"), *end;
    struct buf got;
    json_t *context = json_loads(context_text, 0, NULL);
    json_t *keys = json_object_get(context, "credentials");
    x.scope = (struct sigv4_scope){text(keys, "access_key_id"), text(keys, "secret_access_key"),
                                   text(context, "region"), text(context, "service"), ""};
    take_time(text(context, "timestamp"), x.scope.time);
    read_request(&x, raw);
    x.request.path_as_is = !json_is_true(json_object_get(context, "normalize"));
    add(&x, "X-Amz-Date", x.scope.time);
    if (text(keys, "token")[0] && !json_is_true(json_object_get(context, "omit_session_token")))
        add(&x, "X-Amz-Security-Token", text(keys, "token"));
    if (json_is_true(json_object_get(context, "sign_body"))) {
        end = strrchr(canonical, '\n');
        assert_non_null(end);
        add(&x, "x-amz-content-sha256", end + 1);
    }
    buf_init(&got, TEXT);
    assert_int_equal(sigv4_canonical(&x.request, &got), ERR_OK);
    assert_string_equal(buf_str(&got), canonical);
    buf_reset(&got);
    assert_int_equal(sigv4_string_to_sign(&x.request, &x.scope, &got), ERR_OK);
    assert_string_equal(buf_str(&got), string);
    buf_reset(&got);
    assert_int_equal(sigv4_authorization(&x.request, &x.scope, &got), ERR_OK);
    const char *at = strstr(buf_str(&got), "Signature=");
    assert_non_null(at);
    assert_string_equal(at + 10, signature);
    buf_dispose(&got);
    json_decref(context);
    free(raw);
    free(context_text);
    free(canonical);
    free(string);
    free(signature);
}

static void awss_own_suite_is_reproduced(void **state)
{
    (void)state;
    size_t count = 0;
    DIR *d = opendir(SUITE);
    if (!d) {
        print_message("skipped, AWS's suite is not at hand: " SUITE "\n");
        return;
    }
    for (struct dirent *f; (f = readdir(d));) {
        if (f->d_type != DT_DIR || f->d_name[0] == '.') continue;
        follow(f->d_name);
        count++;
    }
    closedir(d);
    assert_int_equal(count, 38);
}

/* --- rules that no example shows */

static void expect_canonical(const char *path, const char *query, const char *expected)
{
    struct sigv4_request r = {.method = "GET", .path = path, .query = query};
    struct buf got;
    buf_init(&got, TEXT);
    assert_int_equal(sigv4_canonical(&r, &got), ERR_OK);
    size_t n = strlen(expected);
    assert_memory_equal(buf_str(&got) + 4, expected, n);
    assert_memory_equal(buf_str(&got) + 4 + n, "\n\n\n", 3);
    buf_dispose(&got);
}

static void paths_and_queries_are_brought_into_one_form(void **state)
{
    (void)state;
    expect_canonical("", "", "/\n");
    expect_canonical("/policies/..", "", "/\n");
    expect_canonical("/a/../../b", "", "/b\n");
    expect_canonical("//a//b/", "", "/a/b/\n");
    expect_canonical("/things/esp32%3A24", "", "/things/esp32%253A24\n");
    expect_canonical("/", "b=2&a=1", "/\na=1&b=2");
    expect_canonical("/", "a-b=1&a=2&a=1", "/\na=1&a=2&a-b=1");
    expect_canonical("/", "a&&b=%2f%", "/\na=&b=%2F%25");
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    static struct sigv4_header many[SIGV4_HEADERS + 1];
    char query[80] = "";
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = (struct sigv4_header){"a", "b"};
    for (size_t i = 0; i < 33; i++)
        strcat(query, "a&");
    struct sigv4_request r = {
        .method = "GET", .path = "/", .query = "", .headers = many, .n_headers = SIGV4_HEADERS};
    struct buf got;
    buf_init(&got, TEXT);
    assert_int_equal(sigv4_canonical(&r, &got), ERR_OK);
    r.n_headers++;
    assert_int_equal(sigv4_canonical(&r, &got), ERR_ARG);
    r.n_headers = 0;
    r.query = query;
    assert_int_equal(sigv4_canonical(&r, &got), ERR_ARG);
    buf_dispose(&got);
}

static void the_time_is_utc(void **state)
{
    (void)state;
    char out[SIGV4_TIME];
    assert_string_equal(sigv4_time(1768478400, out), "20260115T120000Z");
    assert_string_equal(sigv4_time(INT64_MAX, out), "19700101T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_of_the_sdk_is_signed_alike),
        cmocka_unit_test(every_step_of_worked_examples_is_the_same),
        cmocka_unit_test(awss_own_suite_is_reproduced),
        cmocka_unit_test(paths_and_queries_are_brought_into_one_form),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(the_time_is_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
