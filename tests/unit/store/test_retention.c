/* What has ended is deleted when it is old, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/store/audit.h"
#include "service/store/retention.h"
#include "service/store/webhooks.h"
#include "tests/unit/store/kept.h"

enum { OLD = 1000, LIMIT = 2000, YOUNG = 3000 };

static const struct retention_limits limits = {.ended_before_ms = LIMIT,
                                               .answers_before_ms = LIMIT};

static void put(struct store *s, const struct job_record *r)
{
    assert_int_equal(store_job_add(s, r, "{}", NULL, 0), ERR_OK);
    assert_int_equal(store_job_log_put(s, r->id, "{}\n", 3), ERR_OK);
}

static void put_job(struct store *s, const char *id, enum job_state state, int64_t finished_ms)
{
    struct job_record r;
    new_job(&r, id);
    r.created_ms = finished_ms ? finished_ms : OLD;
    r.state = state;
    r.finished_ms = finished_ms;
    put(s, &r);
}

static void retain_all(struct store *s, const struct retention_limits *l)
{
    bool more;
    do
        assert_int_equal(store_retain(s, l, &more), ERR_OK);
    while (more);
}

static bool is_there(struct store *s, const char *id)
{
    struct job_record r;
    enum err e = store_job_get(s, id, &r);
    assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
    job_record_dispose(&r);
    return e == ERR_OK;
}

static int64_t count(const struct folder *f, const char *table)
{
    char path[FOLDER_FILE], sql[128];
    sqlite3 *db;
    sqlite3_stmt *st;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    assert_int_equal(sqlite3_open(folder_file(f, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void what_ended_long_ago_goes_with_all_of_it(void **state)
{
    struct store *s = open_good(*state);
    put_job(s, "job_1", JOB_SUCCEEDED, OLD);
    put_job(s, "job_2", JOB_FAILED, OLD);
    put_job(s, "job_3", JOB_SUCCEEDED, YOUNG);
    put_job(s, "job_4", JOB_QUEUED, 0);
    put_job(s, "job_5", JOB_RUNNING, 0);
    assert_int_equal(store_dump_put(s, "job_1", "read", 4), ERR_OK);
    retain_all(s, &limits);
    assert_false(is_there(s, "job_1"));
    assert_false(is_there(s, "job_2"));
    assert_true(is_there(s, "job_3"));
    assert_true(is_there(s, "job_4"));
    assert_true(is_there(s, "job_5"));
    store_close(s);
    assert_int_equal(count(*state, "job_log"), 3);
    assert_int_equal(count(*state, "dump"), 0);
}

static void what_a_job_still_needs_stays(void **state)
{
    struct store *s = open_good(*state);
    struct job_record r;
    put_job(s, "job_1", JOB_SUCCEEDED, OLD);
    put_job(s, "job_2", JOB_FAILED, OLD);
    new_job(&r, "job_3");
    snprintf(r.depends_on, sizeof r.depends_on, "job_1");
    snprintf(r.retry_of, sizeof r.retry_of, "job_2");
    put(s, &r);
    retain_all(s, &limits);
    assert_true(is_there(s, "job_1"));
    assert_true(is_there(s, "job_2"));
    r.state = JOB_CANCELLED;
    r.finished_ms = YOUNG;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    retain_all(s, &limits);
    assert_false(is_there(s, "job_1"));
    assert_false(is_there(s, "job_2"));
    assert_true(is_there(s, "job_3"));
    store_close(s);
}

static void the_audit_and_the_boards_stay(void **state)
{
    const struct folder *f = *state;
    struct audit_report report;
    struct device_entry entry = {.at_ms = OLD, .job = "job_1", .slot = "a"};
    struct backup_record backup = {.id = "bak_1", .created_ms = OLD, .job = "job_1"};
    struct job_record r;
    struct store *s = open_good(f);
    put_job(s, "job_1", JOB_RUNNING, 0);
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    r.state = JOB_SUCCEEDED;
    r.finished_ms = OLD;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_device_note(s, "24:0a:c4:00:00:01", "esp32", &entry, DEVICE_KEEPS),
                     ERR_OK);
    assert_int_equal(store_backup_add(s, &backup, "KEY", 3), ERR_OK);
    retain_all(s, &limits);
    assert_false(is_there(s, "job_1"));
    store_close(s);
    assert_int_equal(count(f, "device_entry"), 1);
    assert_int_equal(count(f, "backup"), 1);
    assert_int_equal(store_audit_verify(f->path, &report), ERR_OK);
    assert_int_equal(report.entries, 1);
}

static void events_go_from_the_oldest_on(void **state)
{
    store_close(open_good(*state));
    run_sql(*state, "INSERT INTO event (at_ms, type, job, slot, data) VALUES"
                    " (1000, 't', '', '', ''), (1000, 't', '', '', ''),"
                    " (3000, 't', '', '', ''), (1000, 't', '', '', '')");
    struct store *s = open_good(*state);
    retain_all(s, &limits);
    store_close(s);
    /* The last one came after a younger one: its clock was wrong. */
    assert_int_equal(count(*state, "event"), 2);
}

static void put_delivery(struct store *s, enum delivery_state state, int64_t ended_ms)
{
    struct delivery_record d;
    assert_int_equal(store_delivery_test(s, "hook_1", &d), ERR_OK);
    d.state = state;
    d.ended_ms = ended_ms;
    assert_int_equal(store_delivery_save(s, &d), ERR_OK);
}

static void deliveries_go_when_they_are_over(void **state)
{
    struct store *s = open_good(*state);
    const struct webhook_record hook = {.id = "hook_1", .url = "https://example.com/"};
    assert_int_equal(store_webhook_add(s, &hook, "secret", 6), ERR_OK);
    put_delivery(s, DELIVERY_DELIVERED, OLD);
    put_delivery(s, DELIVERY_FAILED, OLD);
    put_delivery(s, DELIVERY_DELIVERED, YOUNG);
    put_delivery(s, DELIVERY_PENDING, 0);
    store_close(s);
    run_sql(*state, "UPDATE delivery SET created_ms = 1000");
    s = open_good(*state);
    retain_all(s, &limits);
    store_close(s);
    assert_int_equal(count(*state, "delivery"), 2);
}

static void keys_of_requests_are_forgotten_but_not_their_jobs(void **state)
{
    struct store *s = open_good(*state);
    struct job_record r;
    new_job(&r, "job_1");
    r.created_ms = OLD;
    snprintf(r.idempotency, sizeof r.idempotency, "k");
    put(s, &r);
    new_job(&r, "job_2");
    r.created_ms = YOUNG;
    snprintf(r.idempotency, sizeof r.idempotency, "l");
    put(s, &r);
    run_sql(*state, "INSERT INTO idempotency VALUES ('a', 1000, '', x''), ('b', 3000, '', x'')");
    retain_all(s, &(struct retention_limits){.answers_before_ms = LIMIT});
    assert_int_equal(store_job_get(s, "job_1", &r), ERR_OK);
    assert_string_equal(r.idempotency, "");
    assert_int_equal(store_job_get(s, "job_2", &r), ERR_OK);
    assert_string_equal(r.idempotency, "l");
    store_close(s);
    assert_int_equal(count(*state, "idempotency"), 1);
}

static void a_great_many_go_in_small_parts(void **state)
{
    struct store *s = open_good(*state);
    bool more;
    int parts = 1;
    store_close(s);
    run_sql(*state,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1050)"
            " INSERT INTO event (at_ms, type, job, slot, data) SELECT 1, 't', '', '', '' FROM n");
    s = open_good(*state);
    for (;; parts++) {
        assert_int_equal(store_retain(s, &limits, &more), ERR_OK);
        if (!more) break;
    }
    assert_true(parts > 5);
    store_close(s);
    assert_int_equal(count(*state, "event"), 0);
}

static void for_ever_is_for_ever(void **state)
{
    struct store *s = open_good(*state);
    put_job(s, "job_1", JOB_SUCCEEDED, OLD);
    retain_all(s, &(struct retention_limits){.answers_before_ms = LIMIT});
    assert_true(is_there(s, "job_1"));
    store_close(s);
}

static void the_thread_stops_at_once(void **state)
{
    struct retention *r;
    struct store *s = open_good(*state);
    assert_int_equal(retention_start(s, 90, &r), ERR_OK);
    retention_stop(r);
    retention_stop(NULL);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_ended_long_ago_goes_with_all_of_it),
        TEST(what_a_job_still_needs_stays),
        TEST(the_audit_and_the_boards_stay),
        TEST(events_go_from_the_oldest_on),
        TEST(deliveries_go_when_they_are_over),
        TEST(keys_of_requests_are_forgotten_but_not_their_jobs),
        TEST(a_great_many_go_in_small_parts),
        TEST(for_ever_is_for_ever),
        TEST(the_thread_stops_at_once),
    };
    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
