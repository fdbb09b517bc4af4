// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "service/base/thread.h"

struct counter {
    struct sleeper thread;
    int asked, done; /* under its lock */
    bool ended;
};

static void *count(void *arg)
{
    struct counter *c = arg;
    pthread_mutex_lock(&c->thread.lock);
    while (!c->thread.ending) {
        if (c->done < c->asked)
            c->done++;
        else
            sleeper_wait(&c->thread, deadline_never());
    }
    c->ended = true;
    pthread_mutex_unlock(&c->thread.lock);
    return NULL;
}

/* How many it has done; asks it for more. */
static int ask(struct counter *c, int more)
{
    pthread_mutex_lock(&c->thread.lock);
    c->asked += more;
    pthread_cond_signal(&c->thread.wake);
    int done = c->done;
    pthread_mutex_unlock(&c->thread.lock);
    return done;
}

static void woken_it_looks_again_and_ends_when_told(void **state)
{
    (void)state;
    struct counter c = {0};
    assert_int_equal(sleeper_start(&c.thread, "counter", count, &c), ERR_OK);
    struct deadline late = deadline_in_ms(10000);
    int done = ask(&c, 3);
    while (done < 3 && !deadline_passed(late))
        done = ask(&c, 0);
    sleeper_end(&c.thread);
    assert_int_equal(done, 3);
    assert_true(c.ended);
}

static void *pause_often(void *arg)
{
    struct counter *c = arg;
    for (int64_t ms = 1; sleeper_pause(&c->thread, ms); ms = INT64_C(3600) * 1000) {
        pthread_mutex_lock(&c->thread.lock);
        c->done++;
        pthread_mutex_unlock(&c->thread.lock);
    }
    c->ended = true;
    return NULL;
}

static void a_pause_goes_by_or_is_cut_short_by_the_end(void **state)
{
    (void)state;
    struct counter c = {0};
    assert_int_equal(sleeper_start(&c.thread, "pauses", pause_often, &c), ERR_OK);
    struct deadline late = deadline_in_ms(10000);
    int done = 0;
    while (done < 1 && !deadline_passed(late))
        done = ask(&c, 0);
    sleeper_end(&c.thread);
    assert_int_equal(c.done, 1);
    assert_true(c.ended);
    assert_false(deadline_passed(late));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(woken_it_looks_again_and_ends_when_told),
        cmocka_unit_test(a_pause_goes_by_or_is_cut_short_by_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
