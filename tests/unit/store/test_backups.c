/* Partitions as they were before they were changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/file.h"
#include "tests/unit/store/fresh.h"

static const char mac[] = "24:0a:c4:12:34:56", other_mac[] = "24:0a:c4:12:34:57";

static void add_of(const char *partition, const char *id, const char *of, const char *content)
{
    struct backup_record r = {.created_ms = 9, .job = "job_1", .slot = "a", .offset = 0x21000};
    snprintf(r.partition, sizeof r.partition, "%s", partition);
    r.size = (uint32_t)strlen(content);
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.mac, sizeof r.mac, "%s", of);
    snprintf(r.sha256, sizeof r.sha256, "%064d", 7);
    assert_int_equal(store_backup_add(store, &r, content, r.size), ERR_OK);
}

static void add(const char *id, const char *of, const char *content)
{
    add_of("mfg_nvs", id, of, content);
}

static void expect_data(const char *id, const char *content)
{
    struct buf b;
    buf_init_secret(&b, LIMIT_BACKUP_BYTES);
    assert_int_equal(store_backup_data(store, id, &b), ERR_OK);
    assert_string_equal(buf_str(&b), content);
    buf_dispose(&b);
}

static void expect_gone(const char *id)
{
    struct backup_record r;
    struct buf b;
    buf_init_secret(&b, LIMIT_BACKUP_BYTES);
    expect(store_backup_get(store, id, &r), ERR_NOT_FOUND, "backup_not_found");
    expect(store_backup_data(store, id, &b), ERR_NOT_FOUND, "backup_not_found");
    expect(store_backup_delete(store, id), ERR_NOT_FOUND, "backup_not_found");
    buf_dispose(&b);
}

/* A job that has this backup, in the state that it is given. */
static void put_job(const char *backup, enum job_state state)
{
    struct job_record r = {.id = "job_r", .kind = "restore", .slot = "a"};
    const struct job_need need = {NEED_BACKUP, backup};
    if (state == JOB_QUEUED) {
        assert_int_equal(store_job_add(store, &r, "{}", &need, 1), ERR_OK);
        return;
    }
    r.state = state;
    assert_int_equal(store_job_save(store, &r), ERR_OK);
}

static void a_backup_comes_back_whole(void **state)
{
    (void)state;
    struct backup_record r;
    add("bak_1", mac, "what was there");
    assert_int_equal(store_backup_get(store, "bak_1", &r), ERR_OK);
    assert_string_equal(r.id, "bak_1");
    assert_string_equal(r.mac, mac);
    assert_string_equal(r.job, "job_1");
    assert_string_equal(r.slot, "a");
    assert_string_equal(r.partition, "mfg_nvs");
    assert_int_equal(r.created_ms, 9);
    assert_int_equal(r.offset, 0x21000);
    assert_int_equal(r.size, 14);
    assert_int_equal(strlen(r.sha256), 64);
    expect_data("bak_1", "what was there");
    assert_int_equal(store_backup_delete(store, "bak_1"), ERR_OK);
    expect_gone("bak_1");
}

static void a_backup_may_be_as_large_as_a_partition_and_no_larger(void **state)
{
    (void)state;
    struct buf b;
    struct backup_record r = {.id = "bak_1", .size = LIMIT_BACKUP_BYTES};
    uint8_t *content = calloc(1, LIMIT_BACKUP_BYTES + 1);
    assert_non_null(content);
    content[LIMIT_BACKUP_BYTES - 1] = 7;
    assert_int_equal(store_backup_add(store, &r, content, LIMIT_BACKUP_BYTES), ERR_OK);
    buf_init_secret(&b, LIMIT_BACKUP_BYTES);
    assert_int_equal(store_backup_data(store, "bak_1", &b), ERR_OK);
    assert_int_equal(b.len, LIMIT_BACKUP_BYTES);
    assert_memory_equal(b.data, content, b.len);
    expect(store_backup_add(store, &r, content, LIMIT_BACKUP_BYTES + 1), ERR_TOO_LARGE,
           "backup_too_large");
    buf_dispose(&b);
    free(content);
}

static void nothing_of_it_can_be_read_in_the_database(void **state)
{
    (void)state;
    static const char *const files[] = {"espgate.db", "espgate.db-wal"};
    static const char secret[] = "-----BEGIN PRIVATE KEY-----";
    size_t seen = 0;
    add("bak_1", mac, secret);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[FOLDER_FILE];
        struct buf b;
        buf_init(&b, 16 * 1024 * 1024);
        if (file_read(folder_file(&folder, files[i], path), &b) == ERR_OK) seen += b.len;
        assert_null(b.len ? memmem(b.data, b.len, secret, strlen(secret)) : NULL);
        buf_dispose(&b);
    }
    assert_true(seen > 0);
}

static void only_the_newest_of_a_partition_are_kept(void **state)
{
    (void)state;
    enum { MORE = 3 };
    char id[ID_TEXT];
    add_of("client_key", "bak_place", mac, "place");
    add("bak_other", other_mac, "other");
    for (int i = 0; i < LIMIT_BACKUPS + MORE; i++) {
        snprintf(id, sizeof id, "bak_%d", i);
        add(id, mac, id);
    }
    for (int i = 0; i < LIMIT_BACKUPS + MORE; i++) {
        snprintf(id, sizeof id, "bak_%d", i);
        if (i < MORE)
            expect_gone(id);
        else
            expect_data(id, id);
    }
    expect_data("bak_other", "other");
    expect_data("bak_place", "place");
}

static void what_a_job_is_to_put_back_is_kept(void **state)
{
    (void)state;
    char id[ID_TEXT];
    add("bak_first", mac, "first");
    put_job("bak_first", JOB_QUEUED);
    for (int i = 0; i < 2 * LIMIT_BACKUPS; i++) {
        snprintf(id, sizeof id, "bak_%d", i);
        add(id, mac, id);
    }
    expect_data("bak_first", "first");
    expect(store_backup_delete(store, "bak_first"), ERR_CONFLICT, "backup_in_use");
    assert_non_null(strstr(err_last()->detail, "job_r"));
    put_job("bak_first", JOB_RUNNING);
    expect(store_backup_delete(store, "bak_first"), ERR_CONFLICT, "backup_in_use");
    put_job("bak_first", JOB_SUCCEEDED);
    assert_int_equal(store_backup_delete(store, "bak_first"), ERR_OK);
}

/* @param expected  ids from the newest, ended by NULL */
static void expect_page(const char *of, struct store_page *page, const char *const *expected)
{
    struct backup_record *list;
    size_t n;
    assert_int_equal(store_backup_list(store, of, page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(expected[i]);
        assert_string_equal(list[i].id, expected[i]);
    }
    assert_null(expected[n]);
    free(list);
}

static void backups_page_from_the_newest_of_one_board_or_all(void **state)
{
    (void)state;
    struct store_page page = {.limit = 2};
    add("bak_1", mac, "1");
    add("bak_2", other_mac, "2");
    add("bak_3", mac, "3");
    expect_page("", &page, (const char *const[]){"bak_3", "bak_2", NULL});
    assert_string_equal(page.next, "bak_2");
    snprintf(page.cursor, sizeof page.cursor, "%s", page.next);
    expect_page("", &page, (const char *const[]){"bak_1", NULL});
    assert_string_equal(page.next, "");
    page = (struct store_page){.limit = 2};
    expect_page(mac, &page, (const char *const[]){"bak_3", "bak_1", NULL});
    assert_string_equal(page.next, "");
    expect_page("24:0a:c4:00:00:00", &page, (const char *const[]){NULL});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_backup_comes_back_whole),
        TEST(a_backup_may_be_as_large_as_a_partition_and_no_larger),
        TEST(nothing_of_it_can_be_read_in_the_database),
        TEST(only_the_newest_of_a_partition_are_kept),
        TEST(what_a_job_is_to_put_back_is_kept),
        TEST(backups_page_from_the_newest_of_one_board_or_all),
    };
    return cmocka_run_group_tests_name("backups", tests, NULL, NULL);
}
