/* Concurrent: runs under TSan too. The audit: what is written, that it hangs together, and that
 * whoever changes it is found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "service/store/audit.h"
#include "service/store/audit_chain.h"
#include "tests/unit/store/kept.h"

static struct audit_entry entry(const char *actor, const char *action)
{
    struct audit_entry e = {.address = "127.0.0.1", .request = "req_1", .outcome = "done"};
    snprintf(e.actor, sizeof e.actor, "%s", actor);
    snprintf(e.action, sizeof e.action, "%s", action);
    assert_int_equal(audit_entry_detail(&e, json_pack("{s:i}", "status", 200)), ERR_OK);
    return e;
}

static int64_t add(struct store *s, const char *actor, const char *action)
{
    struct audit_entry e = entry(actor, action);
    assert_int_equal(store_audit_add(s, &e), ERR_OK);
    audit_entry_dispose(&e);
    return e.sequence;
}

static size_t count(struct store *s, const struct audit_filter *f)
{
    struct store_page page = {.limit = 100};
    struct audit_entry *list;
    size_t n;
    assert_int_equal(store_audit_list(s, f, &page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++)
        audit_entry_dispose(&list[i]);
    free(list);
    return n;
}

static void expect_intact(const struct folder *f, int64_t entries)
{
    struct audit_report report;
    enum err e = store_audit_verify(f->path, &report);
    if (e) print_message("%s\n", err_last()->detail);
    assert_int_equal(e, ERR_OK);
    assert_int_equal(report.entries, entries);
}

static void expect_broken(const struct folder *f, const char *why)
{
    struct audit_report report;
    assert_int_equal(store_audit_verify(f->path, &report), ERR_VERIFY);
    assert_string_equal(err_last()->code, "audit_broken");
    assert_string_equal(err_last()->detail, why);
}

static void entries_are_numbered_and_hang_together(void **state)
{
    struct store *s = open_good(*state);
    expect_intact(*state, 0);
    assert_int_equal(add(s, "ann", "putSlot"), 1);
    assert_int_equal(add(s, "bob", "deleteSlot"), 2);
    expect_intact(*state, 2); /* also while the store is open */
    store_close(s);
    s = open_good(*state);
    assert_int_equal(add(s, "ann", "deleteSlot"), 3);
    store_close(s);
    expect_intact(*state, 3);
}

static void an_entry_can_be_checked_by_its_json_alone(void **state)
{
    struct store *s = open_good(*state);
    struct audit_filter any = {.actor = ""};
    struct store_page page = {.limit = 1};
    struct audit_entry *list;
    size_t n;
    uint8_t digest[SHA256_BYTES];
    char hash[SHA256_HEX];
    add(s, "M\xc3\xbcller", "putSlot");
    assert_int_equal(store_audit_list(s, &any, &page, &list, &n), ERR_OK);
    json_t *json = audit_entry_json(&list[0]);
    json_object_del(json, "hash");
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    digest_sha256(text, strlen(text), digest);
    assert_string_equal(list[0].hash, digest_hex(digest, sizeof digest, hash));
    assert_string_equal(list[0].previous, "");
    free(text);
    json_decref(json);
    audit_entry_dispose(&list[0]);
    free(list);
    store_close(s);
}

static void a_list_has_pages_and_filters(void **state)
{
    struct store *s = open_good(*state);
    struct store_page page = {.limit = 2};
    struct audit_filter f = {.actor = "ann"};
    struct audit_entry *list;
    size_t n;
    for (int i = 0; i < 3; i++)
        add(s, "ann", i ? "putSlot" : "deleteSlot");
    add(s, "bob", "putSlot");
    assert_int_equal(store_audit_list(s, &f, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].sequence, 3);
    assert_string_equal(page.next, "2");
    for (size_t i = 0; i < n; i++)
        audit_entry_dispose(&list[i]);
    free(list);
    memcpy(page.cursor, page.next, sizeof page.cursor);
    assert_int_equal(store_audit_list(s, &f, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].sequence, 1);
    assert_string_equal(page.next, "");
    audit_entry_dispose(&list[0]);
    free(list);
    assert_int_equal(count(s, &(struct audit_filter){.action = "putSlot"}), 3);
    assert_int_equal(count(s, &(struct audit_filter){.actor = "bob", .outcome = "done"}), 1);
    assert_int_equal(count(s, &(struct audit_filter){.actor = "bob", .outcome = "refused"}), 0);
    store_close(s);
}

static void a_job_takes_its_entry_along_or_leaves_it(void **state)
{
    struct store *s = open_good(*state);
    struct audit_entry e = entry("ann", "createJob");
    store_audit_with_job(&e);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_OK);
    assert_int_equal(e.sequence, 1);
    assert_string_equal(e.job, "job_1");
    assert_string_equal(e.slot, "a");
    assert_int_equal(add_job(s, "job_2", "{}"), ERR_OK); /* nobody asks any more */
    assert_int_equal(count(s, &(struct audit_filter){.job = "job_1"}), 1);
    assert_int_equal(count(s, &(struct audit_filter){.actor = ""}), 1);
    store_audit_with_job(&e);
    assert_int_equal(add_job(s, "job_1", "{}"), ERR_CONFLICT);
    assert_int_equal(e.sequence, 0);
    assert_int_equal(count(s, &(struct audit_filter){.actor = ""}), 1);
    audit_entry_dispose(&e);
    store_close(s);
    expect_intact(*state, 1);
}

static char result[] = "{\"board\":{\"mac\":\"24:0a:c4:00:00:01\"},\"images\":[{\"partition\":"
                       "\"mqtt_cert\",\"sha256\":\"aa\"}],\"verdict\":{\"code\":\"ok\",\"side\":"
                       "\"none\",\"evidence\":{\"log\":[]}},\"layout\":\"partitions\"}";

static void the_end_of_a_job_is_an_entry_once(void **state)
{
    struct store *s = open_good(*state);
    struct audit_filter f = {.mac = "24:0a:c4:00:00:01"};
    struct store_page page = {.limit = 10};
    struct audit_entry *list;
    struct job_record r;
    size_t n;
    new_job(&r, "job_1");
    snprintf(r.actor, sizeof r.actor, "ann");
    assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
    r.state = JOB_RUNNING;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    r.state = JOB_SUCCEEDED;
    r.result_json = result;
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_job_save(s, &r), ERR_OK);
    assert_int_equal(store_audit_list(s, &f, &page, &list, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(list[0].action, "job.end");
    assert_string_equal(list[0].actor, "ann");
    assert_string_equal(list[0].outcome, "succeeded");
    assert_string_equal(list[0].detail_json,
                        "{\"images\":[{\"partition\":\"mqtt_cert\",\"sha256\":\"aa\"}],\"kind\":"
                        "\"reset\",\"verdict\":{\"code\":\"ok\",\"side\":\"none\"}}");
    audit_entry_dispose(&list[0]);
    free(list);
    store_close(s);
    expect_intact(*state, 1);
}

static void a_job_that_was_interrupted_is_an_entry_too(void **state)
{
    struct store *s = open_good(*state);
    struct job_record r;
    char(*ids)[ID_TEXT];
    size_t n;
    new_job(&r, "job_1");
    r.state = JOB_RUNNING;
    assert_int_equal(store_job_add(s, &r, "{}", NULL, 0), ERR_OK);
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK);
    free(ids);
    assert_int_equal(count(s, &(struct audit_filter){.outcome = "interrupted"}), 1);
    store_close(s);
}

#define OPENED "DROP TRIGGER audit_stays; DROP TRIGGER audit_is_fixed;"

static void three_entries(void **state)
{
    struct store *s = open_good(*state);
    for (int i = 0; i < 3; i++)
        add(s, "ann", "putSlot");
    store_close(s);
    expect_intact(*state, 3);
}

/* What was done is not covered up by what comes later. */
static void go_on(const struct folder *f)
{
    struct store *s = open_good(f);
    add(s, "ann", "putSlot");
    store_close(s);
}

static void the_database_refuses_to_change_or_delete(void **state)
{
    char path[FOLDER_FILE];
    sqlite3 *db;
    three_entries(state);
    assert_int_equal(sqlite3_open(folder_file(*state, "espgate.db", path), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(db, "UPDATE audit SET actor = 'bob'", NULL, NULL, NULL),
                     SQLITE_CONSTRAINT);
    sqlite3_close(db);
    expect_intact(*state, 3);
}

static void a_changed_entry_is_found(void **state)
{
    three_entries(state);
    run_sql(*state, OPENED "UPDATE audit SET actor = 'bob' WHERE seq = 2");
    expect_broken(*state, "entry 2 was changed: its hash is not that of its content");
}

static void a_changed_detail_is_found(void **state)
{
    three_entries(state);
    run_sql(*state, OPENED "UPDATE audit SET detail = 'no JSON' WHERE seq = 3");
    expect_broken(*state, "entry 3 was changed: its hash is not that of its content");
}

static void entries_that_were_taken_out_are_found(void **state)
{
    three_entries(state);
    run_sql(*state, OPENED "DELETE FROM audit WHERE seq = 2");
    expect_broken(*state, "entries 2 to 2 are missing");
}

static void a_tail_that_was_cut_off_is_found(void **state)
{
    three_entries(state);
    run_sql(*state, OPENED "DELETE FROM audit WHERE seq = 3");
    expect_broken(*state, "the newest entry is 2, but 3 was sealed as the newest");
    go_on(*state);
    expect_broken(*state, "entries 3 to 3 are missing");
}

static void an_audit_that_was_emptied_is_found(void **state)
{
    three_entries(state);
    run_sql(*state, OPENED "DELETE FROM audit; DELETE FROM meta WHERE name = 'audit'");
    expect_broken(*state, "the seal of the newest entry is gone");
    go_on(*state);
    expect_broken(*state, "entries 1 to 1 are missing");
}

/* The seal of an hour ago, and what came since made anew. */
static void an_older_seal_is_found(void **state)
{
    three_entries(state);
    run_sql(*state, "CREATE TABLE kept AS SELECT * FROM meta WHERE name = 'audit'");
    go_on(*state);
    run_sql(*state, "REPLACE INTO meta SELECT * FROM kept");
    expect_broken(*state, "the newest entry is 4, but 3 was sealed as the newest");
    go_on(*state);
    expect_broken(*state, "entry 5 does not continue entry 4");
}

/* Whoever knows how the hashes are made can make them anew, but not the seal. */
static void a_chain_that_was_made_anew_is_found(void **state)
{
    struct audit_entry *list;
    struct store_page page = {.limit = 1};
    char hash[SHA256_HEX], sql[512];
    size_t n;
    three_entries(state);
    struct store *s = open_good(*state);
    assert_int_equal(store_audit_list(s, &(struct audit_filter){.actor = ""}, &page, &list, &n),
                     ERR_OK);
    store_close(s);
    snprintf(list[0].actor, sizeof list[0].actor, "bob");
    assert_int_equal(audit_hash(&list[0], hash), ERR_OK);
    snprintf(sql, sizeof sql, OPENED "UPDATE audit SET actor = 'bob', hash = '%s' WHERE seq = 3",
             hash);
    audit_entry_dispose(&list[0]);
    free(list);
    run_sql(*state, sql);
    expect_broken(*state, "entry 3 is not the one that was sealed");
}

static void without_its_key_or_database_nothing_is_said(void **state)
{
    struct audit_report report;
    char path[FOLDER_FILE];
    assert_int_equal(store_audit_verify(((struct folder *)*state)->path, &report), ERR_NOT_FOUND);
    three_entries(state);
    unlink(folder_file(*state, "vault.key", path));
    assert_int_equal(store_audit_verify(((struct folder *)*state)->path, &report), ERR_IO);
    assert_string_equal(err_last()->code, "vault_key");
    assert_int_equal(access(path, F_OK), -1); /* none was made */
}

enum { THREADS = 4, EACH = 25 };

static atomic_int failures;

static void *adds(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        struct audit_entry e = {.actor = "ann", .action = "putSlot", .outcome = "done"};
        if (store_audit_add(arg, &e) || !e.sequence) atomic_fetch_add(&failures, 1);
        audit_entry_dispose(&e);
    }
    return NULL;
}

static void threads_make_one_chain_while_it_is_checked(void **state)
{
    pthread_t threads[THREADS];
    struct audit_report report;
    struct store *s = open_good(*state);
    atomic_store(&failures, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, adds, s), 0);
    for (int i = 0; i < EACH; i++)
        assert_int_equal(store_audit_verify(((struct folder *)*state)->path, &report), ERR_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
    store_close(s);
    expect_intact(*state, (int64_t)THREADS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_numbered_and_hang_together),
        TEST(an_entry_can_be_checked_by_its_json_alone),
        TEST(a_list_has_pages_and_filters),
        TEST(a_job_takes_its_entry_along_or_leaves_it),
        TEST(the_end_of_a_job_is_an_entry_once),
        TEST(a_job_that_was_interrupted_is_an_entry_too),
        TEST(the_database_refuses_to_change_or_delete),
        TEST(a_changed_entry_is_found),
        TEST(a_changed_detail_is_found),
        TEST(entries_that_were_taken_out_are_found),
        TEST(a_tail_that_was_cut_off_is_found),
        TEST(an_audit_that_was_emptied_is_found),
        TEST(an_older_seal_is_found),
        TEST(a_chain_that_was_made_anew_is_found),
        TEST(without_its_key_or_database_nothing_is_said),
        TEST(threads_make_one_chain_while_it_is_checked),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
