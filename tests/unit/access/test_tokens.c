/* tokens: made, found, ended, listed; over a restart, and when there are too many. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "service/access/tokens.h"
#include "service/base/clock.h"
#include "service/base/file.h"
#include "service/base/log.h"
#include "tests/unit/store/fresh.h"

#define CERTIFICATE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct tokens *tokens;

static int begin(void **state)
{
    log_set_level(LOG_ERROR);
    return setup(state) || tokens_open(store, &tokens) ? -1 : 0;
}

static int end(void **state)
{
    tokens_close(tokens);
    return teardown(state);
}

static void reopen(void)
{
    tokens_close(tokens);
    store_close(store);
    assert_int_equal(store_open(folder.path, &store), ERR_OK);
    assert_int_equal(tokens_open(store, &tokens), ERR_OK);
}

static struct token_record make(const char *name, enum scope scope, const char *certificate,
                                char text[TOKEN_TEXT])
{
    struct token_record made;
    const struct token_order order = {
        .name = name, .scope = scope, .certificate_sha256 = certificate, .created_by = "test"};
    assert_int_equal(tokens_issue(tokens, &order, text, &made), ERR_OK);
    return made;
}

static void a_text_names_its_owner(void **state)
{
    (void)state;
    char first[TOKEN_TEXT], second[TOKEN_TEXT];
    struct actor who = {.scope = SCOPE_PUBLIC};
    struct token_record made = make("line", SCOPE_OPERATOR, "", first);
    make("line", SCOPE_VIEWER, "", second);
    assert_memory_equal(first, "egt_", 4);
    assert_int_equal(strlen(first), TOKEN_TEXT - 1);
    assert_string_not_equal(first, second);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tokens_find(tokens, first, &who), ERR_OK);
        assert_string_equal(who.name, "line");
        assert_string_equal(who.token, made.id);
        assert_int_equal(who.scope, SCOPE_OPERATOR);
        assert_int_equal(tokens_find(tokens, second, &who), ERR_OK);
        assert_int_equal(who.scope, SCOPE_VIEWER);
        reopen();
    }
    first[TOKEN_TEXT - 2] ^= 1;
    expect(tokens_find(tokens, first, &who), ERR_ARG, "token_invalid");
    expect(tokens_find(tokens, "", &who), ERR_ARG, "token_invalid");
}

static void the_text_is_kept_nowhere(void **state)
{
    (void)state;
    char text[TOKEN_TEXT], path[FOLDER_FILE];
    struct buf all;
    make("line", SCOPE_OPERATOR, "", text);
    tokens_close(tokens);
    store_close(store);
    tokens = NULL;
    store = NULL;
    buf_init(&all, 1 << 24);
    assert_int_equal(file_read(folder_file(&folder, "espgate.db", path), &all), ERR_OK);
    assert_true(all.len > 0);
    assert_null(memmem(all.data, all.len, text + 4, TOKEN_TEXT - 5));
    assert_non_null(memmem(all.data, all.len, "line", 4));
    buf_dispose(&all);
}

static void one_that_was_revoked_or_has_expired_is_refused(void **state)
{
    (void)state;
    char text[TOKEN_TEXT], old[TOKEN_TEXT];
    struct actor who;
    struct token_record made = make("line", SCOPE_OPERATOR, "", text), record;
    const struct token_order gone = {.name = "old",
                                     .scope = SCOPE_VIEWER,
                                     .lifetime_s = -1,
                                     .certificate_sha256 = "",
                                     .created_by = "test"};
    assert_int_equal(tokens_issue(tokens, &gone, old, &record), ERR_OK);
    assert_int_equal(tokens_revoke(tokens, made.id), ERR_OK);
    assert_int_equal(tokens_revoke(tokens, made.id), ERR_OK);
    expect(tokens_revoke(tokens, "tok_0"), ERR_NOT_FOUND, "token_not_found");
    for (int i = 0; i < 2; i++) {
        expect(tokens_find(tokens, text, &who), ERR_ARG, "token_revoked");
        expect(tokens_find(tokens, old, &who), ERR_ARG, "token_expired");
        assert_int_equal(tokens_get(tokens, made.id, &record), ERR_OK);
        assert_true(record.revoked_ms > 0);
        reopen();
    }
}

static void a_certificate_stands_for_one_valid_token(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct actor who;
    struct token_record again;
    const struct token_order same = {
        .name = "b", .scope = SCOPE_ADMIN, .certificate_sha256 = CERTIFICATE, .created_by = ""};
    struct token_record made = make("a", SCOPE_VIEWER, CERTIFICATE, text);
    assert_string_equal(text, "");
    assert_int_equal(tokens_find_certificate(tokens, CERTIFICATE, &who), ERR_OK);
    assert_string_equal(who.name, "a");
    /* what a certificate is known by is no text to send */
    expect(tokens_find(tokens, CERTIFICATE, &who), ERR_ARG, "token_invalid");
    expect(tokens_issue(tokens, &same, text, &again), ERR_CONFLICT, "certificate_in_use");
    assert_int_equal(tokens_revoke(tokens, made.id), ERR_OK);
    expect(tokens_find_certificate(tokens, CERTIFICATE, &who), ERR_ARG, "token_revoked");
    assert_int_equal(tokens_issue(tokens, &same, text, &again), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tokens_find_certificate(tokens, CERTIFICATE, &who), ERR_OK);
        assert_string_equal(who.name, "b");
        reopen();
    }
}

static void the_last_use_is_told_at_once_and_kept(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    struct actor who;
    struct token_record made = make("line", SCOPE_OPERATOR, "", text), record;
    assert_int_equal(made.used_ms, 0);
    int64_t before = clock_now_ms();
    assert_int_equal(tokens_find(tokens, text, &who), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tokens_get(tokens, made.id, &record), ERR_OK);
        assert_true(record.used_ms >= before);
        reopen();
    }
}

static void the_list_comes_in_pages_newest_first(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    char text[TOKEN_TEXT], ids[COUNT][ID_TEXT];
    struct store_page page = {.limit = 2};
    struct token_record *list;
    size_t n, seen = COUNT;
    for (int i = 0; i < COUNT; i++)
        memcpy(ids[i], make("line", SCOPE_VIEWER, "", text).id, ID_TEXT);
    do {
        assert_int_equal(tokens_list(tokens, &page, &list, &n), ERR_OK);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(list[i].id, ids[--seen]);
        free(list);
        memcpy(page.cursor, page.next, sizeof page.cursor);
    } while (page.next[0]);
    assert_int_equal(seen, 0);
    snprintf(page.cursor, sizeof page.cursor, "tok_0");
    assert_int_equal(tokens_list(tokens, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 0);
    free(list);
}

enum {
    FILLERS = 20,
    EACH = (LIMIT_TOKENS - 2) / FILLERS,
    REST = LIMIT_TOKENS - 2 - FILLERS * EACH
};

static void put_filler(void)
{
    static atomic_int count;
    struct token_record r = {.name = "many", .scope = "viewer", .created_ms = 1};
    id_new("tok", r.id);
    snprintf(r.digest, sizeof r.digest, "%064x", (unsigned)atomic_fetch_add(&count, 1));
    assert_int_equal(store_token_add(store, &r, ""), ERR_OK);
}

/* Many at once share a commit. */
static void *fill_main(void *arg)
{
    for (int i = 0; i < EACH; i++)
        put_filler();
    return arg;
}

static void fill(void)
{
    pthread_t threads[FILLERS];
    for (int i = 0; i < FILLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, fill_main, NULL), 0);
    for (int i = 0; i < FILLERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < REST; i++)
        put_filler();
    reopen();
}

static void when_there_are_too_many_the_oldest_that_has_ended_goes(void **state)
{
    (void)state;
    char text[TOKEN_TEXT];
    const struct token_order order = {
        .name = "one", .scope = SCOPE_VIEWER, .certificate_sha256 = "", .created_by = ""};
    struct token_record first = make("first", SCOPE_VIEWER, "", text), one;
    struct token_record second = make("second", SCOPE_VIEWER, "", text);
    fill();
    expect(tokens_issue(tokens, &order, text, &one), ERR_CONFLICT, "too_many_tokens");
    assert_int_equal(tokens_revoke(tokens, second.id), ERR_OK);
    assert_int_equal(tokens_issue(tokens, &order, text, &one), ERR_OK);
    for (int i = 0; i < 2; i++) {
        struct actor who;
        expect(tokens_get(tokens, second.id, &one), ERR_NOT_FOUND, "token_not_found");
        assert_int_equal(tokens_get(tokens, first.id, &one), ERR_OK);
        assert_int_equal(tokens_find(tokens, text, &who), ERR_OK);
        reopen();
    }
}

static void read_admin(char out[TOKEN_TEXT])
{
    char path[FOLDER_FILE];
    struct stat st;
    struct buf text;
    buf_init(&text, 256);
    assert_int_equal(file_read(folder_file(&folder, "admin.token", path), &text), ERR_OK);
    assert_int_equal(text.len, TOKEN_TEXT);
    memcpy(out, text.data, TOKEN_TEXT);
    out[TOKEN_TEXT - 1] = '\0';
    buf_dispose(&text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void there_is_always_an_admin_after_a_start(void **state)
{
    (void)state;
    char first[TOKEN_TEXT], text[TOKEN_TEXT];
    struct actor who;
    assert_int_equal(tokens_ensure_admin(tokens, folder.path), ERR_OK);
    read_admin(first);
    assert_int_equal(tokens_find(tokens, first, &who), ERR_OK);
    assert_string_equal(who.name, "admin");
    assert_int_equal(who.scope, SCOPE_ADMIN);
    reopen();
    assert_int_equal(tokens_ensure_admin(tokens, folder.path), ERR_OK);
    read_admin(text);
    assert_string_equal(text, first);
    assert_int_equal(tokens_revoke(tokens, who.token), ERR_OK);
    make("line", SCOPE_ENGINEER, "", text);
    assert_int_equal(tokens_ensure_admin(tokens, folder.path), ERR_OK);
    read_admin(text);
    assert_string_not_equal(text, first);
    assert_int_equal(tokens_find(tokens, text, &who), ERR_OK);
    expect(tokens_find(tokens, first, &who), ERR_ARG, "token_revoked");
}

static void without_its_file_there_is_no_admin(void **state)
{
    (void)state;
    struct store_page page = {.limit = 10};
    struct token_record *list;
    size_t n;
    assert_int_equal(tokens_ensure_admin(tokens, "/nowhere/at/all"), ERR_IO);
    assert_int_equal(tokens_list(tokens, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 0);
    free(list);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_text_names_its_owner),
        WITH_STORE(the_text_is_kept_nowhere),
        WITH_STORE(one_that_was_revoked_or_has_expired_is_refused),
        WITH_STORE(a_certificate_stands_for_one_valid_token),
        WITH_STORE(the_last_use_is_told_at_once_and_kept),
        WITH_STORE(the_list_comes_in_pages_newest_first),
        WITH_STORE(when_there_are_too_many_the_oldest_that_has_ended_goes),
        WITH_STORE(there_is_always_an_admin_after_a_start),
        WITH_STORE(without_its_file_there_is_no_admin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
