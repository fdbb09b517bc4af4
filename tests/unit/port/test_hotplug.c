/* Ports that come and go, as links to pseudo-terminals in folders that globs lead into. */
#include "service/port/hotplug.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "service/base/log.h"
#include "service/base/thread.h"

enum { PATIENCE_MS = 10000 };

static char dir[64], pattern[128], device[64];
static int master;
static struct hotplug *hotplug;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told;
static unsigned calls, others_told;

static void changed(bool others, void *arg)
{
    assert_ptr_equal(arg, &calls);
    pthread_mutex_lock(&lock);
    calls++;
    others_told += others;
    pthread_cond_broadcast(&told);
    pthread_mutex_unlock(&lock);
}

static unsigned calls_now(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = calls;
    pthread_mutex_unlock(&lock);
    return n;
}

/* Wait until it was called more than @p before times. @return whether it was */
static bool wait_call(unsigned before, int ms)
{
    struct deadline until = deadline_in_ms(ms);
    pthread_mutex_lock(&lock);
    while (calls <= before && !deadline_passed(until))
        thread_wait_until(&told, &lock, until);
    bool called = calls > before;
    pthread_mutex_unlock(&lock);
    return called;
}

static const char *in_dir(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void start(const char *below)
{
    static const char *globs[1] = {pattern};
    snprintf(pattern, sizeof pattern, "%s/%s", dir, below);
    assert_int_equal(hotplug_start(globs, 1, changed, &calls, &hotplug), ERR_OK);
}

static int set_up(void **state)
{
    (void)state;
    calls = others_told = 0;
    hotplug = NULL;
    thread_cond_init(&told);
    strcpy(dir, "/tmp/hotplug-XXXXXX");
    assert_non_null(mkdtemp(dir));
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(grantpt(master) + unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, device, sizeof device), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    hotplug_stop(hotplug);
    pthread_cond_destroy(&told);
    close(master);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static void a_link_that_comes_and_goes_is_told(void **state)
{
    (void)state;
    start("*");
    assert_int_equal(symlink(device, in_dir("board")), 0);
    assert_true(wait_call(0, PATIENCE_MS));
    unsigned before = calls_now();
    assert_int_equal(unlink(in_dir("board")), 0);
    assert_true(wait_call(before, PATIENCE_MS));
    hotplug_stop(hotplug);
    hotplug = NULL;
    assert_int_equal(others_told, 2);
}

static void a_folder_that_is_made_later_is_watched(void **state)
{
    (void)state;
    start("bench/*/tty*");
    assert_int_equal(mkdir(in_dir("bench"), 0700), 0);
    assert_true(wait_call(0, PATIENCE_MS));
    unsigned before = calls_now();
    assert_int_equal(mkdir(in_dir("bench/left"), 0700), 0);
    assert_true(wait_call(before, PATIENCE_MS));
    before = calls_now();
    assert_int_equal(symlink(device, in_dir("bench/left/tty1")), 0);
    assert_true(wait_call(before, PATIENCE_MS));
    before = calls_now();
    assert_int_equal(unlink(in_dir("bench/left/tty1")) + rmdir(in_dir("bench/left")), 0);
    assert_true(wait_call(before, PATIENCE_MS));
    before = calls_now();
    assert_int_equal(mkdir(in_dir("bench/right"), 0700), 0);
    assert_true(wait_call(before, PATIENCE_MS));
    hotplug_stop(hotplug);
    hotplug = NULL;
    assert_int_equal(others_told, 2); /* a folder is no port */
}

/* What follows within 20 ms is one change. */
static void a_burst_of_changes_is_told_in_few_calls(void **state)
{
    (void)state;
    start("*");
    int64_t began = deadline_now_ns();
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "b%d", i);
        assert_int_equal(symlink(device, in_dir(name)), 0);
    }
    assert_true(wait_call(0, PATIENCE_MS));
    int64_t ms = (deadline_now_ns() - began) / 1000000;
    assert_true(calls_now() <= (unsigned)ms / 20 + 1);
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void waiting_costs_nothing(void **state)
{
    (void)state;
    start("*");
    assert_int_equal(symlink(device, in_dir("board")), 0);
    assert_true(wait_call(0, PATIENCE_MS));
    int64_t before = cpu_ms();
    wait_call(calls_now(), 500); /* nothing, but what else happens on this machine */
    assert_in_range(cpu_ms() - before, 0, 200);
}

static void it_can_be_stopped_at_any_time(void **state)
{
    (void)state;
    hotplug_stop(NULL);
    for (int i = 0; i < 50; i++) {
        unsigned before = calls_now();
        start("*");
        if (i % 2) assert_int_equal(symlink(device, in_dir("board")), 0);
        if (i % 4 == 1) assert_true(wait_call(before, PATIENCE_MS));
        hotplug_stop(hotplug);
        hotplug = NULL;
        unsigned after = calls_now();
        if (i % 2) assert_int_equal(unlink(in_dir("board")), 0);
        assert_int_equal(calls_now(), after);
    }
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_link_that_comes_and_goes_is_told),      TEST(a_folder_that_is_made_later_is_watched),
        TEST(a_burst_of_changes_is_told_in_few_calls), TEST(waiting_costs_nothing),
        TEST(it_can_be_stopped_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
