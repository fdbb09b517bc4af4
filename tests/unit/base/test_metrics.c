// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/base/metrics.h"
#include "service/base/process.h"

static const struct histogram_scale scale = {.n = 3, .bounds_us = {10, 100, 1000}};

static void a_value_falls_into_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    struct histogram h = {0};
    static const uint64_t values[] = {0, 10, 11, 100, 1000, 1001, 1u << 30};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        histogram_add(&h, &scale, values[i]);
        sum += values[i];
    }
    assert_int_equal(h.counts[0], 2);
    assert_int_equal(h.counts[1], 2);
    assert_int_equal(h.counts[2], 1);
    assert_int_equal(h.counts[3], 2);
    assert_int_equal(h.sum_us, sum);
}

static void rows_are_found_by_both_labels(void **state)
{
    (void)state;
    static struct tally t = {.making = PTHREAD_MUTEX_INITIALIZER};
    struct tally_row *one = tally_row(&t, "a", "b");
    assert_ptr_equal(tally_row(&t, "a", "b"), one);
    assert_ptr_not_equal(tally_row(&t, "a", ""), one);
    assert_ptr_not_equal(tally_row(&t, "b", "b"), one);
    assert_int_equal(t.n, 3);
}

static void a_label_that_is_too_long_still_has_one_row(void **state)
{
    (void)state;
    static struct tally t = {.making = PTHREAD_MUTEX_INITIALIZER};
    char label[2 * TALLY_LABEL];
    memset(label, 'x', sizeof label);
    label[sizeof label - 1] = '\0';
    struct tally_row *row = tally_row(&t, label, "");
    assert_ptr_equal(tally_row(&t, label, ""), row);
    assert_int_equal(strlen(row->labels[0]), TALLY_LABEL - 1);
}

static void beyond_the_last_row_all_is_other(void **state)
{
    (void)state;
    static struct tally t = {.making = PTHREAD_MUTEX_INITIALIZER};
    char label[16];
    struct tally_row *last = NULL;
    for (int i = 0; i < 3 * TALLY_ROWS; i++) {
        snprintf(label, sizeof label, "row %d", i);
        last = tally_row(&t, label, "x");
    }
    assert_int_equal(t.n, TALLY_ROWS);
    assert_ptr_equal(last, &t.rows[TALLY_ROWS - 1]);
    assert_string_equal(last->labels[0], "other");
    assert_string_equal(last->labels[1], "other");
    assert_ptr_equal(tally_row(&t, "row 5", "x"), &t.rows[5]);
}

static struct tally shared = {.making = PTHREAD_MUTEX_INITIALIZER};
enum { THREADS = 4, ROUNDS = 20000 };

static void *count_much(void *arg)
{
    (void)arg;
    char label[16];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(label, sizeof label, "%d", i % 100);
        atomic_fetch_add(&tally_row(&shared, label, "")->count, 1);
        metrics_add(METRIC_STORE_COMMITS, 2);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t before = metrics_get(METRIC_STORE_COMMITS), sum = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_get(METRIC_STORE_COMMITS) - before, 2 * THREADS * ROUNDS);
    assert_int_equal(shared.n, 100);
    for (size_t i = 0; i < shared.n; i++)
        sum += shared.rows[i].count;
    assert_int_equal(sum, THREADS * ROUNDS);
}

static void the_process_knows_what_it_takes(void **state)
{
    (void)state;
    struct process_figures before, after;
    process_read(&before);
    assert_true(before.resident_bytes > 100 * 1024);
    assert_true(before.virtual_bytes >= before.resident_bytes);
    assert_true(before.files_max >= before.files && before.files >= 3);
    assert_true(before.threads >= 1); /* a sanitizer has its own */
    assert_true(before.started_s > 1e9);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    process_read(&after);
    assert_int_equal(after.files, before.files + 2);
    assert_true(after.cpu_s > before.cpu_s);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(rows_are_found_by_both_labels),
        cmocka_unit_test(a_label_that_is_too_long_still_has_one_row),
        cmocka_unit_test(beyond_the_last_row_all_is_other),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(the_process_knows_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
