/* Databases of other versions: an older one is brought up to date and loses nothing, a newer one is
 * left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/base/file.h"
#include "service/store/audit.h"
#include "service/store/clouds.h"
#include "service/store/registrations.h"
#include "service/store/tokens.h"
#include "service/store/webhooks.h"
#include "tests/unit/store/kept.h"

static void an_empty_database_is_brought_up_to_date(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    assert_int_equal(file_replace(folder_file(f, "espgate.db", path), "", 0, 0600), ERR_OK);
    struct store *s = open_good(f);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_OK);
    store_close(s);
    s = open_good(f); /* now there is nothing to migrate */
    struct job_record r;
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    store_close(s);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    const struct folder *f = *state;
    /* Version 0, but a table of version 1 is in the way. */
    run_sql(f, "CREATE TABLE device_entry (x)");
    struct store *s;
    assert_int_equal(store_open(f->path, &s), ERR_IO);
    assert_null(s);
    run_sql(f, "CREATE TABLE job (x)"); /* not made by the failed step */
}

/* tests/data/store: as an older version left it, with a running and a queued job, and one
 * credential twice. */
static void make_older(const struct folder *f, const char *sql_path)
{
    char path[FOLDER_FILE];
    struct buf sql, key;
    buf_init(&sql, 64 * 1024);
    buf_init(&key, 64);
    assert_int_equal(file_read(sql_path, &sql), ERR_OK);
    assert_int_equal(file_read("tests/data/store/v1.key", &key), ERR_OK);
    assert_int_equal(file_replace(folder_file(f, "vault.key", path), key.data, key.len, 0600),
                     ERR_OK);
    run_sql(f, buf_str(&sql));
    buf_dispose(&sql);
    buf_dispose(&key);
}

static void expect_old_rows(struct store *s)
{
    struct credential_record credential;
    struct image_record image;
    struct slot_record slot;
    struct device_record device;
    struct device_entry *entries;
    struct buf text;
    size_t n;
    buf_init_secret(&text, 4096);
    assert_int_equal(store_credential_get(s, "cred_1", &credential), ERR_OK);
    assert_string_equal(credential.certificate_pem, "CERT");
    credential_record_dispose(&credential);
    assert_int_equal(store_credential_key(s, "cred_1", &text), ERR_OK);
    assert_string_equal(buf_str(&text), "KEY");
    assert_int_equal(store_image_get(s, "img_1", &image), ERR_OK);
    assert_string_equal(image.layout_json, "\"partitions\"");
    assert_string_equal(image.firmware, "");
    image_record_dispose(&image);
    assert_int_equal(store_slot_get(s, "left", &slot), ERR_OK);
    assert_int_equal(slot.flash_baud, 460800);
    assert_int_equal(store_device_get(s, "24:0a:c4:00:00:01", &device, &entries, &n), ERR_OK);
    assert_int_equal(n, 1);
    device_entry_dispose(&entries[0]);
    free(entries);
    buf_reset(&text);
    assert_int_equal(store_job_log_get(s, "job_1", &text), ERR_OK);
    assert_string_equal(buf_str(&text), "{}\n");
    buf_dispose(&text);
}

static void expect_old_jobs(struct store *s)
{
    static const enum job_state states[] = {JOB_SUCCEEDED, JOB_RUNNING, JOB_QUEUED};
    struct job_record r;
    struct buf command;
    buf_init_secret(&command, 4096);
    for (int i = 0; i < 3; i++) {
        char id[ID_TEXT];
        snprintf(id, sizeof id, "job_%d", i + 1);
        assert_int_equal(store_job_get(s, id, &r), ERR_OK);
        assert_int_equal(r.state, states[i]);
        assert_int_equal(r.created_ms, 11 + i);
        assert_string_equal(r.firmware, "");
        job_record_dispose(&r);
        buf_reset(&command);
        assert_int_equal(store_job_command(s, id, &command), ERR_OK);
        assert_string_equal(buf_str(&command), "{\"kind\":\"write\",\"slot\":\"left\"}");
    }
    buf_dispose(&command);
}

static void a_database_of_version_1_loses_nothing(void **state)
{
    char(*ids)[ID_TEXT];
    size_t n;
    struct firmware_record firmware = {.id = "fw_1", .info_json = (char *)"{}"};
    make_older(*state, "tests/data/store/v1.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(*state);
        expect_old_rows(s);
        expect_old_jobs(s);
        store_close(s);
    }
    struct store *s = open_good(*state);
    /* what the new rows are for holds for old jobs too */
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(store_credential_delete(s, i == 1 ? "cred_1" : "cred_2"), ERR_CONFLICT);
        assert_string_equal(err_last()->code, "credential_in_use");
    }
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK);
    assert_int_equal(n, 1);
    free(ids);
    assert_int_equal(store_credential_delete(s, "cred_2"), ERR_OK); /* its job is interrupted */
    assert_int_equal(store_credential_delete(s, "cred_1"), ERR_CONFLICT);
    assert_int_equal(store_firmware_add(s, &firmware), ERR_OK);
    assert_int_equal(store_dump_put(s, "job_1", "x", 1), ERR_OK);
    store_close(s);
}

static void expect_version_2_rows(struct store *s)
{
    struct firmware_record firmware;
    struct image_record image;
    struct buf dump;
    assert_int_equal(store_firmware_get(s, "fw_1", &firmware), ERR_OK);
    assert_string_equal(firmware.name, "esp-at");
    firmware_record_dispose(&firmware);
    assert_int_equal(store_image_get(s, "img_2", &image), ERR_OK);
    assert_string_equal(image.firmware, "fw_1");
    assert_string_equal(image.target, "mqtt");
    image_record_dispose(&image);
    buf_init_secret(&dump, 16);
    assert_int_equal(store_dump_get(s, "job_1", &dump), ERR_OK);
    assert_string_equal(buf_str(&dump), "read");
    buf_dispose(&dump);
    assert_int_equal(store_firmware_delete(s, "fw_1"), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "firmware_in_use");
}

/* Both of a pair that is there twice go on working; a third is refused. */
static void expect_twice(struct store *s)
{
    struct credential_duplicate d = {.allowed = false};
    struct credential_record third = {.id = "cred_3",
                                      .fingerprint_sha256 = "f1",
                                      .key_sha256 = "k1",
                                      .certificate_pem = (char *)"CERT",
                                      .root_ca_pem = (char *)"ROOT",
                                      .meta_json = (char *)"{}"};
    struct credential_record r;
    struct buf key;
    buf_init_secret(&key, 16);
    assert_int_equal(store_credential_key(s, "cred_2", &key), ERR_OK);
    assert_int_equal(store_credential_get(s, "cred_2", &r), ERR_OK);
    assert_string_equal(r.fingerprint_sha256, "f1");
    assert_int_equal(r.purged_ms, 0);
    credential_record_dispose(&r);
    buf_dispose(&key);
    assert_int_equal(store_credential_add(s, &third, "KEY", 3, &d), ERR_CONFLICT);
    assert_string_equal(err_last()->code, "credential_exists");
    assert_string_equal(d.earlier, "cred_2");
}

static void a_database_of_version_2_loses_nothing(void **state)
{
    make_older(*state, "tests/data/store/v2.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(*state);
        expect_old_rows(s);
        expect_old_jobs(s);
        expect_version_2_rows(s);
        expect_twice(s);
        store_close(s);
    }
}

static void expect_purged(struct store *s)
{
    struct credential_record r;
    struct buf key;
    buf_init_secret(&key, 16);
    assert_int_equal(store_credential_get(s, "cred_3", &r), ERR_OK);
    assert_int_not_equal(r.purged_ms, 0);
    credential_record_dispose(&r);
    assert_int_equal(store_credential_key(s, "cred_3", &key), ERR_NOT_FOUND);
    buf_dispose(&key);
}

static void expect_secret(struct buf *b, const char *text)
{
    assert_string_equal(buf_str(b), text);
    buf_dispose(b);
}

static void expect_version_3_rows(struct store *s)
{
    struct image_record image;
    struct named_settings profile;
    struct backup_record backup;
    struct buf text;
    expect_purged(s);
    assert_int_equal(store_image_get(s, "img_3", &image), ERR_OK);
    assert_string_equal(image.target, "client.1");
    image_record_dispose(&image);
    assert_int_equal(store_profile_get(s, "line-3", &profile), ERR_OK);
    assert_non_null(strstr(profile.settings_json, "password"));
    named_settings_dispose(&profile);
    assert_int_equal(store_backup_get(s, "bak_1", &backup), ERR_OK);
    assert_int_equal(backup.offset, 135168);
    buf_init_secret(&text, 64);
    assert_int_equal(store_backup_data(s, "bak_1", &text), ERR_OK);
    expect_secret(&text, "BACKUP");
    assert_int_equal(store_csr_key(s, "csr_1", &text), ERR_OK);
    expect_secret(&text, "CSRKEY");
    assert_int_equal(store_authority_key(s, "ca_1", &text), ERR_OK);
    expect_secret(&text, "CAKEY");
}

/* Nobody was asked who he is, and nothing came before anything. */
static void expect_no_order(struct store *s)
{
    struct job_record r;
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    assert_int_equal(r.priority, 0);
    assert_int_equal(r.deadline_ms, 0);
    assert_string_equal(r.actor, "");
    assert_string_equal(r.depends_on, "");
    job_record_dispose(&r);
}

static void a_database_of_version_3_loses_nothing(void **state)
{
    const struct folder *f = *state;
    struct audit_report report;
    make_older(f, "tests/data/store/v3.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(f);
        expect_old_rows(s);
        expect_old_jobs(s);
        expect_version_2_rows(s);
        expect_version_3_rows(s);
        expect_no_order(s);
        /* Its audit begins with nothing, and that is sealed. */
        assert_int_equal(store_audit_verify(f->path, &report), ERR_OK);
        assert_int_equal(report.entries, 0);
        store_close(s);
    }
}

static void expect_version_4_rows(struct store *s)
{
    struct webhook_record hook;
    struct hold_record *holds;
    struct token_record *tokens;
    struct store_page page = {.limit = 10};
    struct answer_record answer;
    struct buf text;
    char key[SHA256_HEX];
    size_t n;
    assert_int_equal(store_webhook_get(s, "hook_1", &hook), ERR_OK);
    webhook_record_dispose(&hook);
    buf_init_secret(&text, 64);
    assert_int_equal(store_webhook_secret(s, "hook_1", &text), ERR_OK);
    expect_secret(&text, "HOOKKEY");
    assert_int_equal(store_hold_list(s, &holds, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(holds[0].actor, "ann");
    free(holds);
    assert_int_equal(store_token_list(s, &page, &tokens, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(tokens[0].name, "line");
    free(tokens);
    store_digest(s, "ask", 3, key);
    assert_int_equal(store_answer_find(s, key, &answer), ERR_OK);
}

/* What the step to version 5 is for can be used. */
static void expect_registrations(struct store *s)
{
    struct registration_record r = {.id = "reg_1",
                                    .cloud = "prod",
                                    .thing = "one",
                                    .spec_json = (char *)"{}",
                                    .progress_json = (char *)"{}"};
    const struct named_settings cloud = {.name = "prod", .settings_json = (char *)"{}"};
    assert_int_equal(store_cloud_put(s, &cloud, false), ERR_OK);
    assert_int_equal(store_registration_add(s, &r, "KEY", 3), ERR_OK);
}

static void a_database_of_version_4_loses_nothing(void **state)
{
    const struct folder *f = *state;
    make_older(f, "tests/data/store/v4.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(f);
        expect_old_rows(s);
        expect_old_jobs(s);
        expect_version_2_rows(s);
        expect_version_3_rows(s);
        expect_version_4_rows(s);
        if (again) expect_registrations(s);
        store_close(s);
    }
}

static void expect_version_5_rows(struct store *s)
{
    struct registration_record r;
    struct buf text;
    assert_int_equal(store_registration_get(s, "reg_1", &r), ERR_OK);
    assert_string_equal(r.thing, "line3-pump-7");
    registration_record_dispose(&r);
    buf_init_secret(&text, 64);
    assert_int_equal(store_registration_secret(s, "reg_1", &text), ERR_OK);
    expect_secret(&text, "KEY");
}

/* What the step to version 6 is for is told of what was there before, too. */
static void expect_what_was_seen(struct store *s)
{
    struct slot_seen seen;
    struct store_page page = {.limit = 10};
    struct device_record *list;
    size_t n;
    assert_int_equal(store_slot_seen(s, "right", &seen), ERR_OK);
    assert_string_equal(seen.board.job, "job_6");
    assert_string_equal(seen.board.mac, "24:0a:c4:00:00:02");
    assert_string_equal(seen.board.chip, "esp32c3");
    assert_string_equal(seen.board.firmware, "3.2.0.0");
    assert_string_equal(seen.board.layout, "mfg_nvs");
    assert_int_equal(seen.board.at_ms, 1767323046305);
    assert_string_equal(seen.last_job.id, "job_7");
    assert_string_equal(seen.last_job.error.code, "at_silent");
    assert_int_equal(store_slot_seen(s, "left", &seen), ERR_OK);
    assert_string_equal(seen.board.job, "");
    assert_string_equal(seen.last_job.id, "job_1");
    assert_int_equal(store_device_list(s, "PUMP-7", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].common_name, "pump-7");
    assert_string_equal(list[0].slot, "right");
    assert_int_equal(list[0].outcome, JOB_SUCCEEDED);
    free(list);
    assert_int_equal(store_device_list(s, "line3", &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    free(list);
}

static void a_database_of_version_5_loses_nothing(void **state)
{
    const struct folder *f = *state;
    make_older(f, "tests/data/store/v5.sql");
    for (int again = 0; again < 2; again++) {
        struct store *s = open_good(f);
        expect_old_rows(s);
        expect_old_jobs(s);
        expect_version_2_rows(s);
        expect_version_3_rows(s);
        expect_version_4_rows(s);
        expect_version_5_rows(s);
        expect_what_was_seen(s);
        store_close(s);
    }
}

static void a_newer_database_is_left_alone(void **state)
{
    const struct folder *f = *state;
    char path[FOLDER_FILE];
    struct buf before, after;
    run_sql(f, "CREATE TABLE t (v); PRAGMA user_version = 99");
    buf_init(&before, 1024 * 1024);
    buf_init(&after, 1024 * 1024);
    assert_int_equal(file_read(folder_file(f, "espgate.db", path), &before), ERR_OK);
    refuse_open(f, "store_newer");
    assert_int_equal(file_read(path, &after), ERR_OK);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    buf_dispose(&before);
    buf_dispose(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_database_is_brought_up_to_date), TEST(a_migration_that_fails_changes_nothing),
        TEST(a_database_of_version_1_loses_nothing),   TEST(a_database_of_version_2_loses_nothing),
        TEST(a_database_of_version_3_loses_nothing),   TEST(a_database_of_version_4_loses_nothing),
        TEST(a_database_of_version_5_loses_nothing),   TEST(a_newer_database_is_left_alone),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
