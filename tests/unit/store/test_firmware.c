/* Firmwares, the image sets made of them, what jobs need of both, and dumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/store/fresh.h"

static void add_credential(const char *id)
{
    struct credential_record r = {.created_ms = 1};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.fingerprint_sha256, sizeof r.fingerprint_sha256, "%s", id);
    snprintf(r.key_sha256, sizeof r.key_sha256, "%s", id);
    assert_int_equal(store_credential_add(store, &r, "KEY", 3, NULL), ERR_OK);
}

/* Its content is told by its id. */
static enum err try_firmware(const char *id, const char *content)
{
    struct firmware_record r = {.created_ms = 7, .name = "at.zip", .size = UINT32_MAX + 9ull};
    r.info_json = (char *)"{\"kind\":\"release\"}";
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.sha256, sizeof r.sha256, "%s", content);
    return store_firmware_add(store, &r);
}

static void add_firmware(const char *id)
{
    assert_int_equal(try_firmware(id, id), ERR_OK);
}

static enum err add_images(const char *id, const char *credential, const char *firmware)
{
    struct image_record r = {.created_ms = 5, .layout_json = (char *)"{\"l\":1}"};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.credential, sizeof r.credential, "%s", credential);
    snprintf(r.firmware, sizeof r.firmware, "%s", firmware);
    return store_image_add(store, &r);
}

static void new_job(struct job_record *r, const char *id, const char *firmware)
{
    memset(r, 0, sizeof *r);
    snprintf(r->id, sizeof r->id, "%s", id);
    snprintf(r->kind, sizeof r->kind, "flash");
    snprintf(r->slot, sizeof r->slot, "a");
    snprintf(r->firmware, sizeof r->firmware, "%s", firmware);
}

static void add_job(const char *id)
{
    struct job_record r;
    new_job(&r, id, "");
    assert_int_equal(store_job_add(store, &r, "{}", NULL, 0), ERR_OK);
}

static void a_firmware_comes_back_whole(void **state)
{
    (void)state;
    struct firmware_record r;
    add_firmware("fw_1");
    for (int by_content = 0; by_content < 2; by_content++) {
        enum err e = by_content ? store_firmware_find(store, "fw_1", &r)
                                : store_firmware_get(store, "fw_1", &r);
        assert_int_equal(e, ERR_OK);
        assert_string_equal(r.id, "fw_1");
        assert_int_equal(r.created_ms, 7);
        assert_string_equal(r.name, "at.zip");
        assert_int_equal(r.size, UINT32_MAX + 9ull);
        assert_string_equal(r.sha256, "fw_1");
        assert_string_equal(r.info_json, "{\"kind\":\"release\"}");
        firmware_record_dispose(&r);
    }
}

static void one_content_is_kept_once(void **state)
{
    (void)state;
    add_firmware("fw_1");
    expect(try_firmware("fw_2", "fw_1"), ERR_CONFLICT, "store_conflict");
    expect(try_firmware("fw_1", "other"), ERR_CONFLICT, "store_conflict");
    assert_int_equal(store_firmware_delete(store, "fw_1"), ERR_OK);
    assert_int_equal(try_firmware("fw_2", "fw_1"), ERR_OK);
}

static void a_firmware_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct firmware_record r;
    memset(&r, 0xff, sizeof r);
    expect(store_firmware_get(store, "fw_x", &r), ERR_NOT_FOUND, "firmware_not_found");
    assert_null(r.info_json);
    expect(store_firmware_find(store, "abc", &r), ERR_NOT_FOUND, "firmware_not_found");
    expect(store_firmware_delete(store, "fw_x"), ERR_NOT_FOUND, "firmware_not_found");
}

static void list(struct store_page *page, const char *expected)
{
    struct firmware_record *items;
    size_t n;
    char ids[64] = "";
    assert_int_equal(store_firmware_list(store, page, &items, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        strcat(ids, items[i].id + 3);
        firmware_record_dispose(&items[i]);
    }
    free(items);
    assert_string_equal(ids, expected);
}

static void firmwares_page_from_the_newest(void **state)
{
    (void)state;
    static const char *const names[] = {"fw_5", "fw_1", "fw_4", "fw_2", "fw_3"};
    struct store_page page = {.limit = 2};
    list(&page, "");
    for (int i = 0; i < 5; i++)
        add_firmware(names[i]);
    list(&page, "32");
    assert_string_equal(page.next, "fw_2");
    memcpy(page.cursor, page.next, sizeof page.cursor);
    page.limit = 9;
    list(&page, "415");
    assert_string_equal(page.next, "");
}

static void image_sets_go_with_what_they_are_made_of(void **state)
{
    (void)state;
    struct image_record r;
    add_credential("cred_1");
    add_credential("cred_2");
    expect(add_images("img_1", "cred_1", "fw_1"), ERR_NOT_FOUND, "firmware_not_found");
    add_firmware("fw_1");
    add_firmware("fw_2");
    expect(add_images("img_1", "cred_x", "fw_1"), ERR_NOT_FOUND, "credential_not_found");
    assert_int_equal(add_images("img_1", "cred_1", "fw_1"), ERR_OK);
    assert_int_equal(add_images("img_2", "cred_2", "fw_2"), ERR_OK);
    assert_int_equal(add_images("img_3", "cred_2", ""), ERR_OK);
    assert_int_equal(store_image_get(store, "img_1", &r), ERR_OK);
    assert_string_equal(r.credential, "cred_1");
    assert_string_equal(r.firmware, "fw_1");
    assert_string_equal(r.layout_json, "{\"l\":1}");
    image_record_dispose(&r);
    assert_int_equal(store_firmware_delete(store, "fw_1"), ERR_OK);
    expect(store_image_get(store, "img_1", &r), ERR_NOT_FOUND, "image_not_found");
    assert_int_equal(store_image_get(store, "img_3", &r), ERR_OK);
    assert_string_equal(r.firmware, "");
    image_record_dispose(&r);
    assert_int_equal(store_credential_delete(store, "cred_2"), ERR_OK);
    expect(store_image_get(store, "img_2", &r), ERR_NOT_FOUND, "image_not_found");
    expect(store_image_get(store, "img_3", &r), ERR_NOT_FOUND, "image_not_found");
}

static void a_job_knows_its_firmware(void **state)
{
    (void)state;
    struct job_record r, *jobs;
    struct store_page page = {.limit = 9};
    size_t n;
    add_firmware("fw_1");
    new_job(&r, "job_1", "fw_x");
    expect(store_job_add(store, &r, "{}", NULL, 0), ERR_NOT_FOUND, "firmware_not_found");
    expect(store_job_get(store, "job_1", &r), ERR_NOT_FOUND, "job_not_found");
    new_job(&r, "job_1", "fw_1");
    assert_int_equal(store_job_add(store, &r, "{}", NULL, 0), ERR_OK);
    add_job("job_2");
    assert_int_equal(store_job_get(store, "job_1", &r), ERR_OK);
    assert_string_equal(r.firmware, "fw_1");
    const struct job_filter f = {.firmware = "fw_1"};
    assert_int_equal(store_job_list(store, &f, &page, &jobs, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(jobs[0].id, "job_1");
    free(jobs);
}

/* All of the needs of one job, and the one way in which it ends. */
static void what_a_job_needs_stays_until_it_ends(void **state)
{
    (void)state;
    struct job_record r;
    static const enum job_state ends[] = {JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED,
                                          JOB_INTERRUPTED};
    static const char *const firmwares[] = {"fw_1", "fw_2", "fw_3"};
    const struct job_need needs[] = {{NEED_FIRMWARE, "fw_2"}, {NEED_FIRMWARE, "fw_1"},
                                     {NEED_IMAGES, "img_1"},  {NEED_IMAGES, "img_1"},
                                     {NEED_IMAGES, "img_2"},  {NEED_FIRMWARE, "fw_2"}};
    for (size_t end = 0; end < sizeof ends / sizeof *ends; end++) {
        add_credential("cred_1");
        add_credential("cred_2");
        for (int i = 0; i < 3; i++)
            add_firmware(firmwares[i]);
        assert_int_equal(add_images("img_1", "cred_1", "fw_3"), ERR_OK);
        assert_int_equal(add_images("img_2", "cred_2", ""), ERR_OK);
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%zu", end);
        new_job(&r, id, "fw_1");
        assert_int_equal(store_job_add(store, &r, "{}", needs, 6), ERR_OK);
        for (int running = 0; running < 2; running++) {
            for (int i = 0; i < 3; i++)
                expect(store_firmware_delete(store, firmwares[i]), ERR_CONFLICT, "firmware_in_use");
            expect(store_credential_delete(store, "cred_1"), ERR_CONFLICT, "credential_in_use");
            expect(store_credential_delete(store, "cred_2"), ERR_CONFLICT, "credential_in_use");
            assert_non_null(strstr(err_last()->detail, id));
            r.state = JOB_RUNNING;
            assert_int_equal(store_job_save(store, &r), ERR_OK);
        }
        r.state = ends[end];
        assert_int_equal(store_job_save(store, &r), ERR_OK);
        for (int i = 0; i < 3; i++)
            assert_int_equal(store_firmware_delete(store, firmwares[i]), ERR_OK);
        assert_int_equal(store_credential_delete(store, "cred_1"), ERR_OK);
        assert_int_equal(store_credential_delete(store, "cred_2"), ERR_OK);
    }
}

static void a_job_with_a_need_that_is_not_there_is_not_taken(void **state)
{
    (void)state;
    struct job_record r;
    add_firmware("fw_1");
    static const struct {
        struct job_need need;
        const char *code;
    } cases[] = {{{NEED_FIRMWARE, "fw_x"}, "firmware_not_found"},
                 {{NEED_IMAGES, "img_x"}, "image_not_found"},
                 {{NEED_BACKUP, "bak_x"}, "backup_not_found"},
                 {{NEED_CREDENTIAL, "cred_x"}, "credential_not_found"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        new_job(&r, "job_1", "fw_1");
        expect(store_job_add(store, &r, "{}", &cases[i].need, 1), ERR_NOT_FOUND, cases[i].code);
        expect(store_job_get(store, "job_1", &r), ERR_NOT_FOUND, "job_not_found");
    }
    assert_int_equal(store_firmware_delete(store, "fw_1"), ERR_OK); /* nothing was left of it */
}

static void put_dump(const char *job, const char *text)
{
    assert_int_equal(store_dump_put(store, job, text, strlen(text)), ERR_OK);
}

static void a_dump_comes_back_and_is_replaced(void **state)
{
    (void)state;
    struct buf b;
    buf_init_secret(&b, LIMIT_DUMP_BYTES);
    expect(store_dump_put(store, "job_1", "x", 1), ERR_NOT_FOUND, "job_not_found");
    add_job("job_1");
    expect(store_dump_get(store, "job_1", &b), ERR_NOT_FOUND, "dump_not_found");
    put_dump("job_1", "first");
    put_dump("job_1", "second");
    assert_int_equal(store_dump_get(store, "job_1", &b), ERR_OK);
    assert_string_equal(buf_str(&b), "second");
    assert_int_equal(store_dump_delete(store, "job_1"), ERR_OK);
    expect(store_dump_delete(store, "job_1"), ERR_NOT_FOUND, "dump_not_found");
    expect(store_dump_get(store, "job_1", &b), ERR_NOT_FOUND, "dump_not_found");
    buf_dispose(&b);
}

static void a_dump_may_be_a_whole_flash(void **state)
{
    (void)state;
    struct buf b;
    uint8_t *flash = malloc(LIMIT_DUMP_BYTES);
    assert_non_null(flash);
    for (size_t i = 0; i < LIMIT_DUMP_BYTES; i++)
        flash[i] = (uint8_t)(i * 2654435761u >> 24);
    add_job("job_1");
    assert_int_equal(store_dump_put(store, "job_1", flash, LIMIT_DUMP_BYTES), ERR_OK);
    expect(store_dump_put(store, "job_1", flash, LIMIT_DUMP_BYTES + 1), ERR_TOO_LARGE,
           "dump_too_large");
    buf_init_secret(&b, LIMIT_DUMP_BYTES);
    assert_int_equal(store_dump_get(store, "job_1", &b), ERR_OK);
    assert_int_equal(b.len, LIMIT_DUMP_BYTES);
    assert_memory_equal(b.data, flash, LIMIT_DUMP_BYTES);
    buf_dispose(&b);
    free(flash);
}

static void only_the_newest_dumps_are_kept(void **state)
{
    (void)state;
    enum { MORE = 3 };
    struct buf b;
    char id[ID_TEXT];
    buf_init_secret(&b, 64);
    for (int i = 0; i < LIMIT_DUMPS + MORE; i++) {
        snprintf(id, sizeof id, "job_%d", i);
        add_job(id);
        put_dump(id, id);
        if (i == LIMIT_DUMPS - 1) put_dump("job_0", "again"); /* the newest now */
    }
    for (int i = 0; i < LIMIT_DUMPS + MORE; i++) {
        bool kept = i == 0 || i > MORE;
        snprintf(id, sizeof id, "job_%d", i);
        buf_reset(&b);
        if (kept)
            assert_int_equal(store_dump_get(store, id, &b), ERR_OK);
        else
            expect(store_dump_get(store, id, &b), ERR_NOT_FOUND, "dump_not_found");
        if (kept) assert_string_equal(buf_str(&b), i ? id : "again");
    }
    buf_dispose(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_firmware_comes_back_whole),
        TEST(one_content_is_kept_once),
        TEST(a_firmware_that_is_not_there_is_told),
        TEST(firmwares_page_from_the_newest),
        TEST(image_sets_go_with_what_they_are_made_of),
        TEST(a_job_knows_its_firmware),
        TEST(what_a_job_needs_stays_until_it_ends),
        TEST(a_job_with_a_need_that_is_not_there_is_not_taken),
        TEST(a_dump_comes_back_and_is_replaced),
        TEST(a_dump_may_be_a_whole_flash),
        TEST(only_the_newest_dumps_are_kept),
    };
    return cmocka_run_group_tests_name("firmware", tests, NULL, NULL);
}
