/* What was last in a slot: the board that a job found, what is known of it, and the job that ended
 * last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/store/retention.h"
#include "tests/unit/store/kept.h"

#define MAC_A       "24:0a:c4:00:00:0a"
#define MAC_B       "24:0a:c4:00:00:0b"
#define BOARD(mac)  "\"board\":{\"chip\":\"esp32\",\"title\":\"ESP32\",\"mac\":\"" mac "\"}"
#define AT(version) ",\"firmware\":{\"at_version\":\"" version "\"}"
#define PARTITIONS  ",\"layout\":{\"kind\":\"partitions\"}"

/* A job on @p slot that ended with @p result, and is on the record of @p mac (NULL: on none). */
struct told {
    const char *id, *slot, *step, *result, *mac;
    enum job_state state;
    int32_t priority;
    const char *kind; /* NULL = identify */
};

static void begin(struct store *s, const struct told *t, struct job_record *r)
{
    new_job(r, t->id);
    snprintf(r->slot, sizeof r->slot, "%s", t->slot);
    snprintf(r->kind, sizeof r->kind, "%s", t->kind ? t->kind : "identify");
    r->priority = t->priority;
    assert_int_equal(store_job_add(s, r, "{}", NULL, 0), ERR_OK);
    r->state = JOB_RUNNING;
    r->started_ms = 2;
    snprintf(r->steps[0].name, sizeof r->steps[0].name, "%s", t->step ? t->step : "identify");
    r->step_count = 1;
    r->result_json = (char *)t->result;
    assert_int_equal(store_job_save(s, r), ERR_OK);
}

static void end(struct store *s, const struct told *t, struct job_record *r)
{
    struct device_entry e = {.at_ms = 3, .method = "rom", .outcome = t->state};
    snprintf(e.slot, sizeof e.slot, "%s", t->slot);
    if (t->mac) assert_int_equal(store_device_note(s, t->mac, "esp32", &e, DEVICE_KEEPS), ERR_OK);
    r->state = t->state;
    r->finished_ms = 4;
    if (t->state == JOB_FAILED) {
        err_fail(ERR_TIMEOUT, "at_silent", "Check the cable.", "the board says nothing");
        r->error = *err_last();
        snprintf(r->error_step, sizeof r->error_step, "identify");
    }
    assert_int_equal(store_job_save(s, r), ERR_OK);
}

static void run(struct store *s, const struct told *t)
{
    struct job_record *r = calloc(1, sizeof *r);
    begin(s, t, r);
    end(s, t, r);
    free(r);
}

static struct slot_seen seen_in(struct store *s, const char *slot)
{
    struct slot_seen seen;
    assert_int_equal(store_slot_seen(s, slot, &seen), ERR_OK);
    return seen;
}

static void expect_board(struct store *s, const char *slot, const char *mac, const char *firmware,
                         const char *layout)
{
    struct slot_seen seen = seen_in(s, slot);
    assert_string_equal(seen.board.mac, mac);
    assert_string_equal(seen.board.firmware, firmware);
    assert_string_equal(seen.board.layout, layout);
}

static void a_slot_without_a_job_has_seen_nothing(void **state)
{
    struct store *s = open_good(*state);
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.board.job, "");
    assert_string_equal(seen.last_job.id, "");
    store_close(s);
}

static void it_is_there_after_a_start(void **state)
{
    struct store *s = open_good(*state);
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") PARTITIONS "}",
                          .mac = MAC_A, .state = JOB_FAILED});
    run(s, &(struct told){"job_2", "right", .result = NULL, .state = JOB_CANCELLED});
    for (int again = 0; again < 2; again++) {
        struct slot_seen seen = seen_in(s, "left");
        assert_string_equal(seen.board.job, "job_1");
        assert_string_equal(seen.board.chip, "esp32");
        assert_string_equal(seen.board.title, "ESP32");
        assert_int_not_equal(seen.board.at_ms, 0);
        expect_board(s, "left", MAC_A, "2.4.0.0", "partitions");
        assert_string_equal(seen.last_job.id, "job_1");
        assert_string_equal(seen.last_job.kind, "identify");
        assert_int_equal(seen.last_job.state, JOB_FAILED);
        assert_int_equal(seen.last_job.finished_ms, 4);
        assert_string_equal(seen.last_job.error.code, "at_silent");
        assert_string_equal(seen.last_job.error.hint, "Check the cable.");
        assert_string_equal(seen.last_job.error_step, "identify");
        seen = seen_in(s, "right");
        assert_string_equal(seen.board.job, ""); /* it found none */
        assert_string_equal(seen.last_job.id, "job_2");
        assert_int_equal(seen.last_job.error.kind, ERR_OK);
        store_close(s);
        s = open_good(*state);
    }
    store_close(s);
}

static void a_job_that_still_runs_tells_its_board_and_is_not_the_last(void **state)
{
    struct store *s = open_good(*state);
    struct job_record *r = calloc(1, sizeof *r);
    const struct told t = {"job_2", "left", .result = "{" BOARD(MAC_B) "}", .state = JOB_SUCCEEDED};
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) "}", .mac = MAC_A,
                          .state = JOB_SUCCEEDED});
    begin(s, &t, r);
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.board.mac, MAC_B);
    assert_string_equal(seen.board.job, "job_2");
    assert_string_equal(seen.last_job.id, "job_1");
    int64_t found_ms = seen.board.at_ms;
    end(s, &t, r);
    seen = seen_in(s, "left");
    assert_string_equal(seen.last_job.id, "job_2");
    assert_int_equal(seen.board.at_ms, found_ms); /* it was found once */
    free(r);
    store_close(s);
}

static void a_job_that_finds_no_board_leaves_the_former_one(void **state)
{
    struct store *s = open_good(*state);
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") "}",
                          .mac = MAC_A, .state = JOB_SUCCEEDED});
    run(s, &(struct told){"job_2", "left", .result = NULL, .state = JOB_FAILED});
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.board.job, "job_1");
    assert_string_equal(seen.last_job.id, "job_2");
    expect_board(s, "left", MAC_A, "2.4.0.0", "");
    store_close(s);
}

static void what_a_board_told_once_is_known_wherever_it_comes_again(void **state)
{
    struct store *s = open_good(*state);
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") PARTITIONS "}",
                          .mac = MAC_A, .state = JOB_SUCCEEDED});
    run(s, &(struct told){"job_2", "left", .result = "{" BOARD(MAC_B) "}", .mac = MAC_B,
                          .state = JOB_SUCCEEDED});
    expect_board(s, "left", MAC_B, "", "");
    run(s, &(struct told){"job_3", "right", .result = "{" BOARD(MAC_A) "}", .mac = MAC_A,
                          .state = JOB_SUCCEEDED});
    expect_board(s, "right", MAC_A, "2.4.0.0", "partitions");
    /* asked, and none answered */
    run(s, &(struct told){"job_4", "right", .result = "{" BOARD(MAC_A) ",\"firmware\":null}",
                          .mac = MAC_A, .state = JOB_SUCCEEDED});
    expect_board(s, "right", MAC_A, "", "partitions");
    store_close(s);
}

/* What may have been overwritten is known no more, and what is new once it is proved. */
static void a_flash_makes_what_was_known_untrue(void **state)
{
    static const struct {
        const char *step, *result, *firmware, *layout;
    } cases[] = {
        {"plan", ",\"flash\":{},\"layout\":{\"kind\":\"mfg_nvs\"}", "2.4.0.0", "partitions"},
        {"write", ",\"flash\":{},\"layout\":{\"kind\":\"mfg_nvs\"}", "", ""}, /* cut off */
        {"write", ",\"flash\":{},\"write\":{\"identical\":true,\"verified\":true}", "2.4.0.0",
         "partitions"},
        {"write",
         ",\"flash\":{},\"layout\":{\"kind\":\"mfg_nvs\"},\"write\":{\"identical\":false,"
         "\"verified\":true}",
         "", "mfg_nvs"},
        {"write",
         ",\"flash\":{},\"layout\":{\"kind\":\"mfg_nvs\"},\"write\":{\"identical\":false,"
         "\"verified\":true}" AT("3.2.0.0"),
         "3.2.0.0", "mfg_nvs"},
        {"erase", ",\"erase\":{\"partition\":\"mqtt_ca\"}", "", "partitions"},
        {"erase", ",\"erase\":{\"offset\":0}", "", ""},
        {"erase", "", "", ""},                                                  /* cut off */
        {"write", ",\"write\":{\"identical\":false}", "2.4.0.0", "partitions"}, /* a credential */
    };
    struct store *s = open_good(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char before[16], after[16], elsewhere[16], result[256];
        snprintf(before, sizeof before, "job_%zu", i);
        snprintf(after, sizeof after, "job_%zu_b", i);
        snprintf(elsewhere, sizeof elsewhere, "job_%zu_c", i);
        snprintf(result, sizeof result, "{" BOARD(MAC_A) "%s}", cases[i].result);
        run(s,
            &(struct told){before, "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") PARTITIONS "}",
                           .mac = MAC_A, .state = JOB_SUCCEEDED});
        run(s, &(struct told){after, "left", cases[i].step, result, .mac = MAC_A,
                              .state = JOB_SUCCEEDED});
        expect_board(s, "left", MAC_A, cases[i].firmware, cases[i].layout);
        /* the board's record says the same, wherever it comes next */
        run(s, &(struct told){elsewhere, "right", .result = "{" BOARD(MAC_A) "}", .mac = MAC_A,
                              .state = JOB_SUCCEEDED});
        expect_board(s, "right", MAC_A, cases[i].firmware, cases[i].layout);
    }
    store_close(s);
}

static void a_board_whose_loader_tells_no_address_is_one_all_the_same(void **state)
{
    struct store *s = open_good(*state);
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") "}",
                          .mac = MAC_A, .state = JOB_SUCCEEDED});
    run(s, &(struct told){"job_2", "left", .state = JOB_SUCCEEDED,
                          .result = "{\"board\":{\"chip\":\"esp32c3\",\"mac\":null}}"});
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.board.job, "job_2");
    assert_string_equal(seen.board.chip, "esp32c3");
    expect_board(s, "left", "", "", "");
    store_close(s);
}

static void our_own_reset_is_not_the_last_job(void **state)
{
    struct store *s = open_good(*state);
    run(s, &(struct told){"job_1", "left", .state = JOB_FAILED});
    run(s,
        &(struct told){"job_2", "left", .state = JOB_SUCCEEDED, .priority = JOB_PRIORITY_RECOVERY});
    assert_string_equal(seen_in(s, "left").last_job.id, "job_1");
    store_close(s);
}

/* After a job of @p kind that ended as @p state comes one of kind @p next, which succeeds. */
static void expect_last(struct store *s, const char *kind, enum job_state state, const char *next,
                        bool stays)
{
    static unsigned made;
    char first[24], second[24], slot[24];
    snprintf(slot, sizeof slot, "slot_%u", ++made);
    snprintf(first, sizeof first, "job_first_%u", made);
    snprintf(second, sizeof second, "job_second_%u", made);
    run(s, &(struct told){first, slot, .kind = kind, .state = state});
    run(s, &(struct told){second, slot, .kind = next, .state = JOB_SUCCEEDED});
    assert_string_equal(seen_in(s, slot).last_job.id, stays ? first : second);
}

static void a_job_that_only_looks_hides_no_failure(void **state)
{
    static const char *const looks[] = {"at", "read", "reset"};
    static const char *const others[] = {"identify", "provision", "write",  "check",
                                         "flash",    "erase",     "restore"};
    struct store *s = open_good(*state);
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        expect_last(s, "provision", JOB_FAILED, looks[i], true);
        expect_last(s, "check", JOB_INTERRUPTED, looks[i], true);
        expect_last(s, "provision", JOB_CANCELLED, looks[i], false);
        expect_last(s, "provision", JOB_SUCCEEDED, looks[i], false);
        expect_last(s, "at", JOB_FAILED, looks[i], false);
        expect_last(s, looks[i], JOB_FAILED, "at", false);
        expect_last(s, looks[i], JOB_FAILED, "identify", false);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_last(s, "provision", JOB_FAILED, others[i], false);
    store_close(s);
}

static void a_failure_that_was_deleted_is_no_longer_in_the_way(void **state)
{
    struct store *s = open_good(*state);
    const struct retention_limits all = {.ended_before_ms = 1000};
    bool more;
    run(s, &(struct told){"job_1", "left", .kind = "provision", .state = JOB_FAILED});
    assert_int_equal(store_retain(s, &all, &more), ERR_OK);
    run(s, &(struct told){"job_2", "left", .kind = "at", .state = JOB_SUCCEEDED});
    assert_string_equal(seen_in(s, "left").last_job.id, "job_2");
    store_close(s);
}

static void a_job_that_was_cut_off_is_the_last(void **state)
{
    struct store *s = open_good(*state);
    struct job_record *r = calloc(1, sizeof *r);
    char(*ids)[ID_TEXT];
    size_t n;
    begin(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) "}"}, r);
    free(r);
    store_close(s);
    s = open_good(*state);
    assert_int_equal(store_job_recover(s, &ids, &n), ERR_OK);
    free(ids);
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.last_job.id, "job_1");
    assert_int_equal(seen.last_job.state, JOB_INTERRUPTED);
    assert_string_equal(seen.last_job.error.code, "interrupted");
    expect_board(s, "left", MAC_A, "", "");
    store_close(s);
}

static void the_board_stays_when_its_job_is_deleted(void **state)
{
    struct store *s = open_good(*state);
    const struct retention_limits all = {.ended_before_ms = 1000};
    bool more;
    run(s, &(struct told){"job_1", "left", .result = "{" BOARD(MAC_A) AT("2.4.0.0") "}",
                          .mac = MAC_A, .state = JOB_SUCCEEDED});
    assert_int_equal(store_retain(s, &all, &more), ERR_OK);
    struct slot_seen seen = seen_in(s, "left");
    assert_string_equal(seen.last_job.id, "");
    expect_board(s, "left", MAC_A, "2.4.0.0", "");
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slot_without_a_job_has_seen_nothing),
        TEST(it_is_there_after_a_start),
        TEST(a_job_that_still_runs_tells_its_board_and_is_not_the_last),
        TEST(a_job_that_finds_no_board_leaves_the_former_one),
        TEST(what_a_board_told_once_is_known_wherever_it_comes_again),
        TEST(a_flash_makes_what_was_known_untrue),
        TEST(a_board_whose_loader_tells_no_address_is_one_all_the_same),
        TEST(our_own_reset_is_not_the_last_job),
        TEST(a_job_that_only_looks_hides_no_failure),
        TEST(a_failure_that_was_deleted_is_no_longer_in_the_way),
        TEST(a_job_that_was_cut_off_is_the_last),
        TEST(the_board_stays_when_its_job_is_deleted),
    };
    return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
