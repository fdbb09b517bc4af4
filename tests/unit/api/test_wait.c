/* Run under TSan too: all of it is about several threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/wait.h"

/* A waiter and what came of it. */
struct guest {
    struct waiter waiter;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int times;
    enum wait_end why;
};

static void resumed(enum wait_end why, void *arg)
{
    struct guest *g = arg;
    pthread_mutex_lock(&g->lock);
    g->times++;
    g->why = why;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void guest_init(struct guest *g, const char *job, int64_t ms)
{
    memset(g, 0, sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    snprintf(g->waiter.job, sizeof g->waiter.job, "%s", job);
    g->waiter.until = deadline_in_ms(ms);
    g->waiter.resume = resumed;
    g->waiter.arg = g;
}

static enum wait_end guest_end(struct guest *g)
{
    pthread_mutex_lock(&g->lock);
    while (!g->times)
        pthread_cond_wait(&g->changed, &g->lock);
    assert_int_equal(g->times, 1);
    enum wait_end why = g->why;
    pthread_mutex_unlock(&g->lock);
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->changed);
    return why;
}

static void only_those_who_wait_for_the_job_are_woken(void **state)
{
    (void)state;
    struct wait_list *l;
    struct guest a, b, c;
    assert_int_equal(wait_list_new(10, &l), ERR_OK);
    guest_init(&a, "job_1", 600000);
    guest_init(&b, "job_2", 600000);
    guest_init(&c, "job_1", 600000);
    wait_add(l, &a.waiter);
    wait_add(l, &b.waiter);
    wait_add(l, &c.waiter);
    assert_int_equal(wait_list_count(l), 3);
    wait_wake(l, "job_1");
    assert_int_equal(guest_end(&a), WAIT_ENDED);
    assert_int_equal(guest_end(&c), WAIT_ENDED);
    assert_int_equal(wait_list_count(l), 1);
    wait_wake(l, "job_3");
    assert_int_equal(b.times, 0);
    wait_list_close(l);
    assert_int_equal(guest_end(&b), WAIT_CLOSING);
    wait_list_free(l);
}

static void each_is_let_go_at_its_own_deadline(void **state)
{
    (void)state;
    struct wait_list *l;
    struct guest late, soon, now;
    assert_int_equal(wait_list_new(10, &l), ERR_OK);
    guest_init(&late, "job_1", 600000);
    guest_init(&soon, "job_1", 40);
    guest_init(&now, "job_1", 0);
    wait_add(l, &late.waiter);
    wait_add(l, &soon.waiter);
    wait_add(l, &now.waiter);
    assert_int_equal(guest_end(&now), WAIT_TIMEOUT);
    assert_int_equal(guest_end(&soon), WAIT_TIMEOUT);
    assert_true(deadline_passed(soon.waiter.until));
    assert_int_equal(wait_list_count(l), 1);
    wait_wake(l, "job_1");
    assert_int_equal(guest_end(&late), WAIT_ENDED);
    wait_list_free(l);
}

static void one_too_many_goes_on_at_once(void **state)
{
    (void)state;
    struct wait_list *l;
    struct guest a, b, c;
    assert_int_equal(wait_list_new(1, &l), ERR_OK);
    guest_init(&a, "job_1", 600000);
    guest_init(&b, "job_1", 600000);
    wait_add(l, &a.waiter);
    wait_add(l, &b.waiter);
    assert_int_equal(guest_end(&b), WAIT_FULL);
    wait_wake(l, "job_1");
    assert_int_equal(guest_end(&a), WAIT_ENDED);
    guest_init(&c, "job_1", 600000); /* there is room again */
    wait_add(l, &c.waiter);
    assert_int_equal(wait_list_count(l), 1);
    wait_list_close(l);
    assert_int_equal(guest_end(&c), WAIT_CLOSING);
    guest_init(&b, "job_1", 600000);
    wait_add(l, &b.waiter);
    assert_int_equal(guest_end(&b), WAIT_CLOSING);
    wait_list_free(l);
}

/* --- many at once: adding, waking, timing out and closing race; each is resumed exactly once ---
 */

enum { THREADS = 4, EACH = 200 };

struct crowd {
    struct wait_list *list;
    struct guest guests[THREADS][EACH];
    atomic_bool ending;
};

static struct crowd crowd;

static void *add_many(void *arg)
{
    struct guest *mine = arg;
    for (int i = 0; i < EACH; i++)
        wait_add(crowd.list, &mine[i].waiter);
    return NULL;
}

static void *wake_many(void *arg)
{
    (void)arg;
    while (!atomic_load(&crowd.ending))
        wait_wake(crowd.list, "job_1");
    return NULL;
}

static void in_a_crowd_each_is_resumed_exactly_once(void **state)
{
    (void)state;
    pthread_t adders[THREADS], waker;
    int ends[WAIT_CLOSING + 1] = {0};
    assert_int_equal(wait_list_new(THREADS * EACH / 2, &crowd.list), ERR_OK);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            guest_init(&crowd.guests[t][i], i % 2 ? "job_1" : "job_2", i % 8 ? 600000 : i % 3);
    assert_int_equal(pthread_create(&waker, NULL, wake_many, NULL), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&adders[t], NULL, add_many, crowd.guests[t]), 0);
    for (int t = 0; t < THREADS; t++)
        pthread_join(adders[t], NULL);
    wait_list_close(crowd.list);
    atomic_store(&crowd.ending, true);
    pthread_join(waker, NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < EACH; i++)
            ends[guest_end(&crowd.guests[t][i])]++;
    assert_int_equal(ends[WAIT_NOT], 0);
    assert_int_equal(ends[WAIT_ENDED] + ends[WAIT_TIMEOUT] + ends[WAIT_FULL] + ends[WAIT_CLOSING],
                     THREADS * EACH);
    wait_list_free(crowd.list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_those_who_wait_for_the_job_are_woken),
        cmocka_unit_test(each_is_let_go_at_its_own_deadline),
        cmocka_unit_test(one_too_many_goes_on_at_once),
        cmocka_unit_test(in_a_crowd_each_is_resumed_exactly_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
