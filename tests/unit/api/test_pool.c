/* Run under TSan too: all of it is about several threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/pool.h"

enum { TASKS = 4 };

/* A gate that tasks stop at, and what came of them in the order in which they ran. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int begun, ran, order[TASKS];
    enum pool_end why[TASKS];
    pthread_t thread[TASKS];
} seen;

struct errand {
    struct pool_task task;
    int number;
};

static void run(enum pool_end why, void *arg)
{
    const struct errand *e = arg;
    pthread_mutex_lock(&seen.lock);
    seen.begun++;
    pthread_cond_broadcast(&seen.changed);
    while (why == POOL_NOW && !seen.open)
        pthread_cond_wait(&seen.changed, &seen.lock);
    seen.order[seen.ran] = e->number;
    seen.why[seen.ran] = why;
    seen.thread[seen.ran++] = pthread_self();
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static int setup(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    pthread_mutex_init(&seen.lock, NULL);
    pthread_cond_init(&seen.changed, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pthread_mutex_destroy(&seen.lock);
    pthread_cond_destroy(&seen.changed);
    return 0;
}

static void open_gate(void)
{
    pthread_mutex_lock(&seen.lock);
    seen.open = true;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void wait_for(int ran)
{
    pthread_mutex_lock(&seen.lock);
    while (seen.ran < ran)
        pthread_cond_wait(&seen.changed, &seen.lock);
    pthread_mutex_unlock(&seen.lock);
}

static void add(struct pool *s, struct errand *e, int number)
{
    *e = (struct errand){.task = {.run = run, .arg = e}, .number = number};
    pool_add(s, &e->task);
}

static void tasks_run_in_order_on_another_thread(void **state)
{
    (void)state;
    struct pool *s;
    struct errand e[3];
    assert_int_equal(pool_new("test", 1, TASKS, &s), ERR_OK);
    for (int i = 0; i < 3; i++)
        add(s, &e[i], i);
    open_gate();
    wait_for(3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.order[i], i);
        assert_int_equal(seen.why[i], POOL_NOW);
        assert_false(pthread_equal(seen.thread[i], pthread_self()));
    }
    pool_free(s);
}

/* One may run, two may wait: of four at least one is too many. */
static void who_is_too_many_is_told_at_once(void **state)
{
    (void)state;
    struct pool *s;
    struct errand e[TASKS];
    assert_int_equal(pool_new("test", 1, 2, &s), ERR_OK);
    for (int i = 0; i < TASKS; i++)
        add(s, &e[i], i);
    assert_in_range(seen.ran, 1, 2); /* the gate is closed: only those that were refused */
    for (int i = 0; i < seen.ran; i++) {
        assert_int_equal(seen.why[i], POOL_FULL);
        assert_true(seen.order[i] >= 2);
    }
    open_gate();
    wait_for(TASKS);
    pool_free(s);
}

/* None can end before both have begun. */
static void as_many_run_at_once_as_there_are_threads(void **state)
{
    (void)state;
    struct pool *s;
    struct errand e[TASKS];
    assert_int_equal(pool_new("test", 2, TASKS, &s), ERR_OK);
    for (int i = 0; i < TASKS; i++)
        add(s, &e[i], i);
    pthread_mutex_lock(&seen.lock);
    while (seen.begun < 2)
        pthread_cond_wait(&seen.changed, &seen.lock);
    assert_int_equal(seen.begun, 2);
    pthread_mutex_unlock(&seen.lock);
    open_gate();
    wait_for(TASKS);
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(seen.why[i], POOL_NOW);
    pool_free(s);
}

static void *close_it(void *arg)
{
    pool_close(arg);
    return NULL;
}

static void at_the_end_the_running_one_ends_and_the_others_are_told(void **state)
{
    (void)state;
    struct pool *s;
    struct errand e[TASKS];
    pthread_t closer;
    int now = 0;
    assert_int_equal(pool_new("test", 1, TASKS, &s), ERR_OK);
    for (int i = 0; i < 3; i++)
        add(s, &e[i], i);
    pthread_create(&closer, NULL, close_it, s);
    open_gate();
    pthread_join(closer, NULL);
    assert_int_equal(seen.ran, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(seen.order[i], i);
        assert_true(seen.why[i] == POOL_NOW || seen.why[i] == POOL_CLOSING);
        if (seen.why[i] == POOL_NOW)
            assert_int_equal(now++, i); /* none runs behind one that was told */
    }
    add(s, &e[3], 3);
    assert_int_equal(seen.ran, 4);
    assert_int_equal(seen.why[3], POOL_CLOSING);
    pool_close(s);
    pool_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_run_in_order_on_another_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_too_many_is_told_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(as_many_run_at_once_as_there_are_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(at_the_end_the_running_one_ends_and_the_others_are_told,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
