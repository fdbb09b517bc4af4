/* Registrations: one of a thing lives, its secret is sealed, and what is known of policies and
 * certificates is known of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/base/file.h"
#include "service/store/clouds.h"
#include "service/store/registrations.h"
#include "service/store/retention.h"
#include "tests/unit/store/fresh.h"

static void put_cloud(const char *name)
{
    struct named_settings r = {.changed_ms = 5, .settings_json = (char *)"{}"};
    snprintf(r.name, sizeof r.name, "%s", name);
    assert_int_equal(store_cloud_put(store, &r, false), ERR_OK);
}

static int setup_clouds(void **state)
{
    if (setup(state)) return -1;
    put_cloud("prod");
    put_cloud("other");
    return 0;
}

static struct registration_record made(const char *id, const char *thing)
{
    struct registration_record r = {.created_ms = 5, .changed_ms = 5, .cloud = "prod"};
    snprintf(r.id, sizeof r.id, "%s", id);
    snprintf(r.thing, sizeof r.thing, "%s", thing);
    snprintf(r.actor, sizeof r.actor, "ann");
    r.spec_json = (char *)"{\"name\":\"prod\"}";
    r.progress_json = (char *)"{}";
    return r;
}

static struct registration_record added(const char *id, const char *thing)
{
    struct registration_record r = made(id, thing);
    assert_int_equal(store_registration_add(store, &r, "KEY", 3), ERR_OK);
    return r;
}

static void all_of_it_comes_back(void **state)
{
    (void)state;
    struct registration_record r = added("reg_1", "one"), got;
    r.state = REGISTRATION_UNDOING;
    r.progress_json = (char *)"{\"thing\":\"made\"}";
    snprintf(r.credential, sizeof r.credential, "cred_1");
    snprintf(r.certificate, sizeof r.certificate, "c1");
    snprintf(r.policy, sizeof r.policy, "p");
    r.policy_made = true;
    err_fail(ERR_CLOUD, "aws_permission", "Ask for it.", "CreateThing is not allowed");
    r.error = *err_last();
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_int_equal(store_registration_get(store, "reg_1", &got), ERR_OK);
    assert_int_equal(got.state, REGISTRATION_UNDOING);
    assert_string_equal(got.thing, "one");
    assert_string_equal(got.actor, "ann");
    assert_string_equal(got.spec_json, r.spec_json);
    assert_string_equal(got.progress_json, r.progress_json);
    assert_string_equal(got.certificate, "c1");
    assert_true(got.policy_made);
    assert_int_equal(got.error.kind, ERR_CLOUD);
    assert_string_equal(got.error.code, "aws_permission");
    registration_record_dispose(&got);
    assert_int_equal(store_registration_of_credential(store, "cred_1", &got), ERR_OK);
    registration_record_dispose(&got);
    assert_int_equal(store_registration_find(store, "prod", "one", &got), ERR_OK);
    registration_record_dispose(&got);
    expect(store_registration_find(store, "other", "one", &got), ERR_NOT_FOUND,
           "registration_not_found");
    expect(store_registration_of_credential(store, "", &got), ERR_NOT_FOUND,
           "registration_not_found");
    expect(store_registration_get(store, "reg_9", &got), ERR_NOT_FOUND, "registration_not_found");
}

static void one_of_a_thing_lives(void **state)
{
    (void)state;
    struct registration_record first = added("reg_1", "one"), second = made("reg_2", "one");
    expect(store_registration_add(store, &second, "K", 1), ERR_CONFLICT, "thing_registered");
    assert_non_null(strstr(err_last()->detail, "reg_1"));
    snprintf(second.cloud, sizeof second.cloud, "other");
    assert_int_equal(store_registration_add(store, &second, "K", 1), ERR_OK);
    first.state = REGISTRATION_LEFT;
    assert_int_equal(store_registration_save(store, &first), ERR_OK);
    struct registration_record third = made("reg_3", "one");
    expect(store_registration_add(store, &third, "K", 1), ERR_CONFLICT, "thing_registered");
    first.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &first), ERR_OK);
    assert_int_equal(store_registration_add(store, &third, "K", 1), ERR_OK);
}

static void one_that_is_to_be_undone_is_not_led_on(void **state)
{
    (void)state;
    struct registration_record r = added("reg_1", "one"), got;
    assert_int_equal(store_registration_undo(store, "reg_1"), ERR_OK);
    r.state = REGISTRATION_REGISTERED;
    expect(store_registration_save(store, &r), ERR_CANCELLED, "registration_undoing");
    r.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_int_equal(store_registration_undo(store, "reg_1"), ERR_OK);
    assert_int_equal(store_registration_get(store, "reg_1", &got), ERR_OK);
    assert_int_equal(got.state, REGISTRATION_UNDONE);
    registration_record_dispose(&got);
    expect(store_registration_undo(store, "reg_9"), ERR_NOT_FOUND, "registration_not_found");
}

static void add_running_job(const char *id)
{
    struct job_record *job = calloc(1, sizeof *job);
    assert_non_null(job);
    snprintf(job->id, sizeof job->id, "%s", id);
    snprintf(job->kind, sizeof job->kind, "provision");
    snprintf(job->slot, sizeof job->slot, "a");
    assert_int_equal(store_job_add(store, job, "{}", NULL, 0), ERR_OK);
    job->state = JOB_RUNNING;
    assert_int_equal(store_job_save(store, job), ERR_OK);
    free(job);
}

static void what_is_open_is_found_after_a_start(void **state)
{
    (void)state;
    static const enum registration_state states[] = {REGISTRATION_REGISTERING, REGISTRATION_ACTIVE,
                                                     REGISTRATION_UNDOING,     REGISTRATION_UNDONE,
                                                     REGISTRATION_LEFT,        REGISTRATION_ACTIVE};
    char(*ids)[ID_TEXT];
    size_t n;
    struct registration_record got;
    add_running_job("job_1");
    for (int i = 0; i < 6; i++) {
        char id[24], thing[24];
        snprintf(id, sizeof id, "reg_%d", i);
        snprintf(thing, sizeof thing, "t%d", i);
        struct registration_record r = made(id, thing);
        if (i == 5) snprintf(r.job, sizeof r.job, "job_1");
        assert_int_equal(store_registration_add(store, &r, "", 0), ERR_OK);
        r.state = states[i];
        assert_int_equal(store_registration_save(store, &r), ERR_OK);
    }
    assert_int_equal(store_job_recover(store, &ids, &n), ERR_OK);
    free(ids);
    assert_int_equal(store_registration_get(store, "reg_5", &got), ERR_OK);
    assert_int_equal(got.state, REGISTRATION_UNDOING); /* its job will not go on */
    assert_string_equal(got.error.code, "interrupted");
    registration_record_dispose(&got);
    assert_int_equal(store_registration_open(store, &ids, &n), ERR_OK);
    assert_int_equal(n, 3);
    assert_string_equal(ids[0], "reg_0");
    assert_string_equal(ids[1], "reg_2");
    assert_string_equal(ids[2], "reg_5");
    free(ids);
}

/* The cloud names the thing later, and two may wait for it. */
static void those_without_a_name_are_not_the_same(void **state)
{
    (void)state;
    struct registration_record a = added("reg_1", ""), b = added("reg_2", "");
    snprintf(a.thing, sizeof a.thing, "named");
    snprintf(b.thing, sizeof b.thing, "named");
    assert_int_equal(store_registration_save(store, &a), ERR_OK);
    expect(store_registration_save(store, &b), ERR_CONFLICT, "thing_registered");
}

static bool database_holds(const char *text)
{
    static const char *const files[] = {"espgate.db", "espgate.db-wal"};
    bool found = false;
    for (size_t i = 0; i < 2; i++) {
        char path[FOLDER_FILE];
        struct buf b;
        buf_init(&b, 8 * 1024 * 1024);
        if (file_read(folder_file(&folder, files[i], path), &b) == ERR_OK && b.len)
            found = found || memmem(b.data, b.len, text, strlen(text));
        buf_dispose(&b);
    }
    return found;
}

static void its_secret_is_sealed_and_can_be_wiped(void **state)
{
    (void)state;
    struct buf secret;
    added("reg_1", "one");
    buf_init_secret(&secret, 64);
    assert_int_equal(store_registration_secret(store, "reg_1", &secret), ERR_OK);
    assert_string_equal(buf_str(&secret), "KEY");
    assert_int_equal(store_registration_secret_put(store, "reg_1", "very secret", 11), ERR_OK);
    assert_false(database_holds("very secret"));
    assert_true(database_holds("reg_1"));
    buf_reset(&secret);
    assert_int_equal(store_registration_secret(store, "reg_1", &secret), ERR_OK);
    assert_string_equal(buf_str(&secret), "very secret");
    assert_int_equal(store_registration_secret_put(store, "reg_1", NULL, 0), ERR_OK);
    buf_reset(&secret);
    assert_int_equal(store_registration_secret(store, "reg_1", &secret), ERR_OK);
    assert_int_equal(secret.len, 0);
    expect(store_registration_secret_put(store, "reg_9", "x", 1), ERR_NOT_FOUND,
           "registration_not_found");
    expect(store_registration_secret_put(store, "reg_9", NULL, 0), ERR_NOT_FOUND,
           "registration_not_found");
    buf_dispose(&secret);
}

static void save_policy(struct registration_record *r, bool is_made)
{
    snprintf(r->policy, sizeof r->policy, "p");
    r->policy_made = is_made;
    assert_int_equal(store_registration_save(store, r), ERR_OK);
}

static void a_policy_is_that_of_all_who_name_it(void **state)
{
    (void)state;
    struct registration_policy known;
    struct registration_record a = added("reg_1", "one"), b = added("reg_2", "two");
    save_policy(&a, true);
    assert_int_equal(store_registration_policy(store, &a, &known), ERR_OK);
    assert_true(known.made);
    assert_false(known.shared);
    save_policy(&b, false);
    assert_int_equal(store_registration_policy(store, &a, &known), ERR_OK);
    assert_true(known.shared);
    a.state = REGISTRATION_UNDONE;
    save_policy(&a, true);
    assert_int_equal(store_registration_policy(store, &b, &known), ERR_OK);
    assert_true(known.made); /* by the one that is gone */
    assert_false(known.shared);
    /* what made a policy that others have is not forgotten */
    bool more;
    const struct retention_limits all = {.ended_before_ms = 1000};
    assert_int_equal(store_retain(store, &all, &more), ERR_OK);
    assert_int_equal(store_registration_policy(store, &b, &known), ERR_OK);
    assert_true(known.made);
    assert_int_equal(store_registration_policy_gone(store, "prod", "p"), ERR_OK);
    assert_int_equal(store_registration_policy(store, &b, &known), ERR_OK);
    assert_false(known.made);
    assert_int_equal(store_retain(store, &all, &more), ERR_OK);
    assert_int_equal(store_registration_get(store, "reg_1", &a), ERR_NOT_FOUND);
    assert_int_equal(store_registration_get(store, "reg_2", &b), ERR_OK);
    registration_record_dispose(&b);
}

static void a_certificate_is_known_while_its_registration_lives(void **state)
{
    (void)state;
    bool known;
    struct registration_record r = added("reg_1", "one");
    assert_int_equal(store_registration_has_certificate(store, "c1", &known), ERR_OK);
    assert_false(known);
    assert_int_equal(store_registration_has_certificate(store, "", &known), ERR_OK);
    assert_false(known);
    snprintf(r.certificate, sizeof r.certificate, "c1");
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_int_equal(store_registration_has_certificate(store, "c1", &known), ERR_OK);
    assert_true(known);
    r.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_int_equal(store_registration_has_certificate(store, "c1", &known), ERR_OK);
    assert_false(known);
}

/* Ids of a page, newest first. */
static const char *listed(const struct registration_filter *f, struct store_page *page,
                          char out[128])
{
    struct registration_record *list;
    size_t n;
    out[0] = '\0';
    assert_int_equal(store_registration_list(store, f, page, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        strcat(out, list[i].id);
        strcat(out, " ");
        registration_record_dispose(&list[i]);
    }
    free(list);
    return out;
}

static void a_list_has_what_is_asked_for(void **state)
{
    (void)state;
    char ids[128];
    struct store_page page = {.limit = 2};
    struct registration_record r = added("reg_1", "one");
    added("reg_2", "two");
    struct registration_record of_job = made("reg_3", "three");
    snprintf(of_job.job, sizeof of_job.job, "job_1");
    assert_int_equal(store_registration_add(store, &of_job, "", 0), ERR_OK);
    r.state = REGISTRATION_ACTIVE;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_string_equal(listed(&(struct registration_filter){.cloud = ""}, &page, ids),
                        "reg_3 reg_2 ");
    snprintf(page.cursor, sizeof page.cursor, "%s", page.next);
    assert_string_equal(listed(&(struct registration_filter){.cloud = ""}, &page, ids), "reg_1 ");
    page = (struct store_page){.limit = 10};
    assert_string_equal(listed(&(struct registration_filter){.job = "job_1"}, &page, ids),
                        "reg_3 ");
    assert_string_equal(listed(&(struct registration_filter){.thing = "two"}, &page, ids),
                        "reg_2 ");
    assert_string_equal(listed(&(struct registration_filter){.cloud = "other"}, &page, ids), "");
    assert_string_equal(
        listed(&(struct registration_filter){.by_state = true, .state = REGISTRATION_ACTIVE}, &page,
               ids),
        "reg_1 ");
}

static void its_cloud_must_be_there(void **state)
{
    (void)state;
    struct registration_record r = made("reg_1", "one");
    assert_int_equal(store_cloud_delete(store, "prod"), ERR_OK);
    expect(store_registration_add(store, &r, "K", 1), ERR_NOT_FOUND, "cloud_not_found");
    expect(store_registration_get(store, "reg_1", &r), ERR_NOT_FOUND, "registration_not_found");
}

static void a_certificate_is_that_of_one_thing(void **state)
{
    (void)state;
    struct registration_record first = made("reg_1", "one"), second = made("reg_2", "two");
    snprintf(first.certificate, sizeof first.certificate, "c1");
    snprintf(second.certificate, sizeof second.certificate, "c1");
    assert_int_equal(store_registration_add(store, &first, "K", 1), ERR_OK);
    expect(store_registration_add(store, &second, "K", 1), ERR_CONFLICT, "certificate_registered");
    assert_non_null(strstr(err_last()->detail, "reg_1"));
    first.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &first), ERR_OK);
    assert_int_equal(store_registration_add(store, &second, "K", 1), ERR_OK);
}

static void one_that_is_left_can_be_forgotten(void **state)
{
    (void)state;
    bool more;
    struct registration_policy known;
    const struct retention_limits all = {.ended_before_ms = INT64_MAX};
    struct registration_record r = added("reg_1", "one"), got;
    snprintf(r.policy, sizeof r.policy, "p");
    r.policy_made = true;
    r.progress_json = (char *)"{\"thing\":\"made\"}";
    r.state = REGISTRATION_ACTIVE;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    expect(store_registration_forget(store, "reg_1"), ERR_CONFLICT, "registration_not_left");
    expect(store_registration_forget(store, "reg_9"), ERR_NOT_FOUND, "registration_not_found");
    r.state = REGISTRATION_LEFT;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    expect(store_cloud_delete(store, "prod"), ERR_CONFLICT, "cloud_in_use");
    assert_int_equal(store_registration_forget(store, "reg_1"), ERR_OK);
    assert_int_equal(store_registration_forget(store, "reg_1"), ERR_OK);
    assert_int_equal(store_registration_undo(store, "reg_1"), ERR_OK); /* does not wake it */
    assert_int_equal(store_retain(store, &all, &more), ERR_OK);
    assert_int_equal(store_registration_get(store, "reg_1", &got), ERR_OK);
    assert_int_equal(got.state, REGISTRATION_FORGOTTEN);
    assert_string_equal(got.progress_json, r.progress_json);
    registration_record_dispose(&got);
    r = added("reg_2", "one");
    snprintf(r.policy, sizeof r.policy, "p");
    assert_int_equal(store_registration_policy(store, &r, &known), ERR_OK);
    assert_false(known.made); /* by somebody in the next account */
    r.state = REGISTRATION_UNDONE;
    assert_int_equal(store_registration_save(store, &r), ERR_OK);
    assert_int_equal(store_cloud_delete(store, "prod"), ERR_OK);
}

static void what_a_job_works_with_is_not_undone(void **state)
{
    (void)state;
    struct registration_record r = made("reg_1", "one");
    snprintf(r.job, sizeof r.job, "job_1");
    add_running_job("job_1");
    add_running_job("job_2");
    assert_int_equal(store_registration_add(store, &r, "K", 1), ERR_OK);
    expect(store_registration_undo_idle(store, "reg_1"), ERR_CONFLICT, "registration_busy");
    assert_non_null(strstr(err_last()->detail, "job_1"));

    struct registration_record alone = added("reg_2", "two");
    struct credential_record c = {.id = "cred_1",
                                  .fingerprint_sha256 = "f",
                                  .key_sha256 = "k",
                                  .certificate_pem = (char *)"c",
                                  .root_ca_pem = (char *)"r",
                                  .meta_json = (char *)"{}"};
    struct credential_duplicate twice = {.allowed = true};
    assert_int_equal(store_credential_add(store, &c, "KEY", 3, &twice), ERR_OK);
    snprintf(alone.credential, sizeof alone.credential, "cred_1");
    alone.state = REGISTRATION_ACTIVE;
    assert_int_equal(store_registration_save(store, &alone), ERR_OK);
    assert_int_equal(store_registration_hold(store, &alone, "job_2"), ERR_OK);
    expect(store_registration_undo_idle(store, "reg_2"), ERR_CONFLICT, "registration_busy");
    assert_non_null(strstr(err_last()->detail, "job_2"));

    char(*ids)[ID_TEXT];
    size_t n;
    assert_int_equal(store_registration_open(store, &ids, &n), ERR_OK);
    assert_int_equal(n, 0); /* the job's are the job's */
    free(ids);
    assert_int_equal(store_job_recover(store, &ids, &n), ERR_OK); /* both have ended */
    free(ids);
    assert_int_equal(store_registration_undo_idle(store, "reg_2"), ERR_OK);
    expect(store_registration_hold(store, &alone, "job_3"), ERR_CONFLICT, "thing_registered");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_clouds, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_it_comes_back),
        TEST(one_of_a_thing_lives),
        TEST(one_that_is_to_be_undone_is_not_led_on),
        TEST(what_is_open_is_found_after_a_start),
        TEST(those_without_a_name_are_not_the_same),
        TEST(its_secret_is_sealed_and_can_be_wiped),
        TEST(a_policy_is_that_of_all_who_name_it),
        TEST(a_certificate_is_known_while_its_registration_lives),
        TEST(a_list_has_what_is_asked_for),
        TEST(its_cloud_must_be_there),
        TEST(a_certificate_is_that_of_one_thing),
        TEST(one_that_is_left_can_be_forgotten),
        TEST(what_a_job_works_with_is_not_undone),
    };
    return cmocka_run_group_tests_name("registrations", tests, NULL, NULL);
}
