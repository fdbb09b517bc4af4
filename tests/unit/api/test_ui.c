/* The dashboard: its files in the program, how they are served, and who it is told sits there. */
#include "tests/unit/api/fixture_bench.h"

#include "api/ui.h"

static struct bench bench;

static int start(void **state)
{
    (void)state;
    bench_start(&bench, run_nothing, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    return 0;
}

static void every_file_is_found_and_unpacks_to_its_size(void **state)
{
    (void)state;
    assert_true(ui_file_count > 1);
    for (size_t i = 0; i < ui_file_count; i++) {
        const struct ui_file *file = &ui_files[i];
        struct buf plain;
        assert_ptr_equal(ui_find(file->folder, file->name), file);
        assert_int_equal(ui_plain(file, &plain), ERR_OK);
        assert_int_equal(plain.len, file->plain_len);
        assert_null(strstr(buf_str(&plain), "/ui/@UI@/"));
        buf_dispose(&plain);
    }
    assert_non_null(ui_find("", "index.html"));
    assert_null(ui_find("", ""));
    assert_null(ui_find("", "pages/wall.js"));
    assert_null(ui_find("pages/..", "index.html"));
}

static void what_was_cut_is_not_unpacked(void **state)
{
    (void)state;
    struct buf plain;
    struct ui_file file = *ui_find("", "index.html");
    file.gzip_len--;
    assert_int_equal(ui_plain(&file, &plain), ERR_INTERNAL);
    assert_null(plain.data);
    file = *ui_find("", "index.html");
    file.plain_len--;
    assert_int_equal(ui_plain(&file, &plain), ERR_INTERNAL);
}

static struct reply get(const char *path, const char *encoding, const char *etag)
{
    struct request rq;
    return call(
        &bench,
        &(struct call){
            .method = "GET", .path = path, .accept_encoding = encoding, .if_none_match = etag},
        &rq);
}

static void the_form_that_the_client_likes_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool packed;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"identity", false},
        {"gzip;q=0", false},
        {"br", false},
        {"gzip;q=0.2, identity;q=0.5", false},
        {"gzip", true},
        {"GZIP", true},
        {"gzip, deflate, br, zstd", true},
        {"br, gzip;q=0.1", true},
    };
    const struct ui_file *page = ui_find("", "index.html");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply r = get("/", cases[i].accept, NULL);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.content_type, "text/html; charset=utf-8");
        assert_int_equal(reply_find(&r, "Content-Encoding") != NULL, cases[i].packed);
        if (cases[i].packed)
            assert_ptr_equal(r.fixed, page->gzip);
        else
            assert_int_equal(r.body.len, page->plain_len);
        assert_string_equal(reply_find(&r, "Vary"), "Accept-Encoding");
        reply_dispose(&r);
    }
}

static void each_form_has_its_own_etag(void **state)
{
    (void)state;
    char packed[64], plain[64];
    struct reply r = get("/", "gzip", NULL);
    snprintf(packed, sizeof packed, "%s", reply_find(&r, "ETag"));
    reply_dispose(&r);
    r = get("/", NULL, NULL);
    snprintf(plain, sizeof plain, "%s", reply_find(&r, "ETag"));
    reply_dispose(&r);
    assert_string_not_equal(packed, plain);
    const struct {
        const char *encoding, *etag;
        int status;
    } cases[] = {{"gzip", packed, 304}, {NULL, plain, 304}, {"gzip", plain, 200},
                 {NULL, packed, 200},   {"gzip", "*", 304}, {"gzip", "\"0\"", 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r = get("/", cases[i].encoding, cases[i].etag);
        assert_int_equal(r.status, cases[i].status);
        assert_int_equal(r.keep, KEEP_ASK);
        if (r.status == 304) assert_null(reply_find(&r, "Content-Encoding"));
        reply_dispose(&r);
    }
}

static void a_file_is_kept_for_good_and_another_version_is_not_there(void **state)
{
    (void)state;
    char path[128];
    for (size_t i = 0; i < ui_file_count; i++) {
        snprintf(path, sizeof path, "/ui/%s/%s%s%s", ui_version, ui_files[i].folder,
                 ui_files[i].folder[0] ? "/" : "", ui_files[i].name);
        struct reply r = get(path, "gzip", NULL);
        assert_int_equal(r.status, 200);
        assert_int_equal(r.keep, KEEP_ALWAYS);
        assert_ptr_equal(r.fixed, ui_files[i].gzip);
        reply_dispose(&r);
    }
    expect(&bench, &(struct call){.method = "GET", .path = "/ui/0/index.html"}, 404,
           "dashboard_changed");
    snprintf(path, sizeof path, "/ui/%s/..", ui_version);
    expect(&bench, &(struct call){.method = "GET", .path = path}, 404, "dashboard_file_not_found");
}

/* What GET /v1/me says of @p actor. */
static json_t *me(const struct actor *actor)
{
    struct request rq;
    struct reply r =
        call(&bench, &(struct call){.method = "GET", .path = "/v1/me", .actor = actor}, &rq);
    assert_int_equal(r.status, 200);
    json_t *body = body_of(&r);
    reply_dispose(&r);
    assert_string_equal(json_string_value(json_object_get(body, "ui")), ui_version);
    assert_string_equal(json_string_value(json_object_get(body, "version")), "test");
    return body;
}

static void who_calls_is_told_who_he_is(void **state)
{
    (void)state;
    static const struct actor nobody = {.name = "anonymous", .scope = SCOPE_ADMIN};
    static const char *const names[] = {"token", "certificate"};
    json_t *body = me(&nobody);
    assert_string_equal(json_string_value(json_object_get(body, "method")), "none");
    assert_true(json_is_null(json_object_get(body, "token")));
    json_decref(body);
    for (size_t i = 0; i < 2; i++) {
        const struct token_order order = {.name = "line-3",
                                          .scope = SCOPE_OPERATOR,
                                          .lifetime_s = i ? 0 : 60,
                                          .certificate_sha256 = i ? "ab" : "",
                                          .created_by = "admin"};
        struct token_record record;
        char text[TOKEN_TEXT];
        assert_int_equal(tokens_issue(bench.tokens, &order, text, &record), ERR_OK);
        struct actor actor = {.name = "line-3", .scope = SCOPE_OPERATOR};
        snprintf(actor.token, sizeof actor.token, "%s", record.id);
        body = me(&actor);
        assert_string_equal(json_string_value(json_object_get(body, "method")), names[i]);
        assert_string_equal(json_string_value(json_object_get(body, "scope")), "operator");
        assert_string_equal(json_string_value(json_object_get(body, "name")), "line-3");
        assert_string_equal(json_string_value(json_object_get(body, "token")), record.id);
        assert_int_equal(json_is_null(json_object_get(body, "expires_at")), (int)i);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_found_and_unpacks_to_its_size),
        cmocka_unit_test(what_was_cut_is_not_unpacked),
        cmocka_unit_test_setup_teardown(the_form_that_the_client_likes_is_sent, start, stop),
        cmocka_unit_test_setup_teardown(each_form_has_its_own_etag, start, stop),
        cmocka_unit_test_setup_teardown(a_file_is_kept_for_good_and_another_version_is_not_there,
                                        start, stop),
        cmocka_unit_test_setup_teardown(who_calls_is_told_who_he_is, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
