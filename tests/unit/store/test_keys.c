/* What else is kept with a secret: profiles, keys that wait for their certificate, authorities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store/fresh.h"

static void put_profile(const char *name, const char *settings, int64_t changed_ms)
{
    struct named_settings r = {.changed_ms = changed_ms, .settings_json = (char *)settings};
    snprintf(r.name, sizeof r.name, "%s", name);
    assert_int_equal(store_profile_put(store, &r), ERR_OK);
}

static void a_profile_is_replaced_by_the_next_of_its_name(void **state)
{
    (void)state;
    struct named_settings r;
    put_profile("a", "{\"x\":1}", 7);
    put_profile("a", "{}", 8);
    assert_int_equal(store_profile_get(store, "a", &r), ERR_OK);
    assert_string_equal(r.name, "a");
    assert_int_equal(r.changed_ms, 8);
    assert_string_equal(r.settings_json, "{}");
    named_settings_dispose(&r);
    expect(store_profile_get(store, "b", &r), ERR_NOT_FOUND, "profile_not_found");
    assert_null(r.settings_json);
    assert_int_equal(store_profile_delete(store, "a"), ERR_OK);
    expect(store_profile_delete(store, "a"), ERR_NOT_FOUND, "profile_not_found");
    expect(store_profile_get(store, "a", &r), ERR_NOT_FOUND, "profile_not_found");
}

static void profiles_come_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "a", "z", "k", "b"};
    struct store_page page = {.limit = 2};
    char seen[16] = "";
    for (size_t i = 0; i < 5; i++)
        put_profile(names[i], "{}", 1);
    do {
        struct named_settings *list;
        size_t n;
        assert_int_equal(store_profile_list(store, &page, &list, &n), ERR_OK);
        assert_true(n <= 2);
        for (size_t i = 0; i < n; i++) {
            strcat(seen, list[i].name);
            assert_string_equal(list[i].settings_json, "{}");
            named_settings_dispose(&list[i]);
        }
        free(list);
        memcpy(page.cursor, page.next, sizeof page.cursor);
    } while (page.next[0]);
    assert_string_equal(seen, "abkmz");
}

static enum err add_csr(const char *id)
{
    struct csr_record r = {.created_ms = 5,
                           .key_sha256 = "digest",
                           .request_pem = (char *)"REQUEST",
                           .meta_json = (char *)"{}"};
    char key[64];
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(key, sizeof key, "key of %s", id);
    return store_csr_add(store, &r, key, strlen(key));
}

static void a_request_is_kept_with_its_key(void **state)
{
    (void)state;
    struct csr_record r;
    struct buf key;
    assert_int_equal(add_csr("csr_1"), ERR_OK);
    expect(add_csr("csr_1"), ERR_CONFLICT, "store_conflict");
    assert_int_equal(store_csr_get(store, "csr_1", &r), ERR_OK);
    assert_string_equal(r.id, "csr_1");
    assert_int_equal(r.created_ms, 5);
    assert_string_equal(r.key_sha256, "digest");
    assert_string_equal(r.request_pem, "REQUEST");
    assert_string_equal(r.meta_json, "{}");
    csr_record_dispose(&r);
    buf_init_secret(&key, 64);
    assert_int_equal(store_csr_key(store, "csr_1", &key), ERR_OK);
    assert_string_equal(buf_str(&key), "key of csr_1");
    assert_int_equal(store_csr_delete(store, "csr_1"), ERR_OK);
    expect(store_csr_delete(store, "csr_1"), ERR_NOT_FOUND, "csr_not_found");
    expect(store_csr_get(store, "csr_1", &r), ERR_NOT_FOUND, "csr_not_found");
    expect(store_csr_key(store, "csr_1", &key), ERR_NOT_FOUND, "csr_not_found");
    buf_dispose(&key);
}

static void requests_come_newest_first(void **state)
{
    (void)state;
    struct store_page page = {.limit = 2};
    struct csr_record *list;
    size_t n;
    for (int i = 1; i <= 3; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "csr_%d", i);
        assert_int_equal(add_csr(id), ERR_OK);
    }
    assert_int_equal(store_csr_list(store, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, "csr_3");
    assert_string_equal(list[1].id, "csr_2");
    assert_string_equal(page.next, "csr_2");
    for (size_t i = 0; i < n; i++)
        csr_record_dispose(&list[i]);
    free(list);
}

static enum err add_authority(const char *id, const char *name)
{
    struct authority_record r = {
        .created_ms = 5, .certificate_pem = (char *)"ROOT", .meta_json = (char *)"{}"};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.name, sizeof r.name, "%s", name);
    return store_authority_add(store, &r, "KEY", 3);
}

static void an_authority_is_kept_with_its_key_and_its_name_is_its_own(void **state)
{
    (void)state;
    struct authority_record r, *list;
    struct store_page page = {.limit = 10};
    struct buf key;
    size_t n;
    assert_int_equal(add_authority("ca_1", "lab"), ERR_OK);
    expect(add_authority("ca_2", "lab"), ERR_CONFLICT, "authority_exists");
    assert_int_equal(add_authority("ca_2", "other"), ERR_OK);
    assert_int_equal(store_authority_get(store, "ca_1", &r), ERR_OK);
    assert_string_equal(r.name, "lab");
    assert_string_equal(r.certificate_pem, "ROOT");
    authority_record_dispose(&r);
    buf_init_secret(&key, 64);
    assert_int_equal(store_authority_key(store, "ca_1", &key), ERR_OK);
    assert_string_equal(buf_str(&key), "KEY");
    assert_int_equal(store_authority_list(store, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, "ca_2");
    for (size_t i = 0; i < n; i++)
        authority_record_dispose(&list[i]);
    free(list);
    assert_int_equal(store_authority_delete(store, "ca_1"), ERR_OK);
    expect(store_authority_delete(store, "ca_1"), ERR_NOT_FOUND, "authority_not_found");
    expect(store_authority_get(store, "ca_1", &r), ERR_NOT_FOUND, "authority_not_found");
    expect(store_authority_key(store, "ca_1", &key), ERR_NOT_FOUND, "authority_not_found");
    buf_dispose(&key);
    assert_int_equal(add_authority("ca_3", "lab"), ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_profile_is_replaced_by_the_next_of_its_name),
        TEST(profiles_come_by_name),
        TEST(a_request_is_kept_with_its_key),
        TEST(requests_come_newest_first),
        TEST(an_authority_is_kept_with_its_key_and_its_name_is_its_own),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
