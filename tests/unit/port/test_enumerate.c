/* Ports that globs name, on pseudo-terminals. What hardware this machine has is nobody's guess, so
 * only the ports made here are looked for. */
#include "service/port/enumerate.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

enum { PTYS = 2 };

static char dir[64], pattern[3][128], device[PTYS][64];
static const char *globs[3] = {pattern[0], pattern[1], pattern[2]};
static int masters[PTYS];

static const char *in_dir(const char *name)
{
    static char path[2][160];
    static unsigned turn;
    char *p = path[turn++ % 2];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/enumerate-XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < PTYS; i++) {
        masters[i] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(masters[i] >= 0);
        assert_int_equal(grantpt(masters[i]) + unlockpt(masters[i]), 0);
        assert_int_equal(ptsname_r(masters[i], device[i], sizeof device[i]), 0);
    }
    assert_int_equal(mkdir(in_dir("a"), 0700) + mkdir(in_dir("b"), 0700), 0);
    assert_int_equal(symlink(device[0], in_dir("a/download")), 0);
    assert_int_equal(symlink(device[1], in_dir("b/download")), 0);
    assert_int_equal(symlink(device[1], in_dir("b/same again")), 0);
    assert_int_equal(symlink("/nonexistent", in_dir("a/gone")), 0);
    assert_int_equal(symlink("/etc/hostname", in_dir("a/file")), 0);
    snprintf(pattern[0], sizeof pattern[0], "%s/a/*", dir);
    snprintf(pattern[1], sizeof pattern[1], "%s/b/*", dir);
    snprintf(pattern[2], sizeof pattern[2], "%s/nothing*", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const files[] = {"a/download", "b/download", "b/same again", "a/gone",
                                        "a/file"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(in_dir(files[i]));
    rmdir(in_dir("a"));
    rmdir(in_dir("b"));
    rmdir(dir);
    for (size_t i = 0; i < PTYS; i++)
        close(masters[i]);
    return 0;
}

static void globs_add_each_device_once_and_nothing_else(void **state)
{
    (void)state;
    struct port_info *list;
    size_t n, ours = 0;
    assert_int_equal(enumerate_ports(globs, 3, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_string_not_equal(list[i].path, in_dir("a/gone"));
        assert_string_not_equal(list[i].path, in_dir("a/file"));
        for (size_t k = i + 1; k < n; k++) {
            assert_string_not_equal(list[i].device, list[k].device);
            assert_string_not_equal(list[i].name, list[k].name);
        }
        ours += !strncmp(list[i].path, dir, strlen(dir));
    }
    assert_int_equal(ours, 2);
    free(list);
}

static void a_port_is_found_by_each_of_its_names(void **state)
{
    (void)state;
    struct port_info p;
    assert_int_equal(enumerate_find(globs, 3, "download", &p), ERR_OK);
    assert_string_equal(p.device, device[0]);
    assert_string_equal(p.path, in_dir("a/download"));
    assert_int_equal(p.usb_vid, -1);
    assert_string_equal(p.bridge, "");
    assert_int_equal(enumerate_find(globs, 3, "download-2", &p), ERR_OK);
    assert_string_equal(p.device, device[1]);
    assert_int_equal(enumerate_find(globs, 3, in_dir("b/download"), &p), ERR_OK);
    assert_string_equal(p.device, device[1]);
    assert_int_equal(enumerate_find(globs, 3, device[1], &p), ERR_OK);
    assert_string_equal(p.name, "download-2");
    assert_int_equal(enumerate_find(globs, 3, in_dir("b/same again"), &p), ERR_OK);
    assert_string_equal(p.device, device[1]);
}

static void names_are_fit_for_a_url(void **state)
{
    (void)state;
    struct port_info p;
    const char *only[] = {pattern[0]};
    snprintf(pattern[0], sizeof pattern[0], "%s/b/same*", dir);
    assert_int_equal(enumerate_find(only, 1, "same_again", &p), ERR_OK);
    assert_string_equal(p.device, device[1]);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    struct port_info p;
    static const char *const wanted[] = {"ttyNOPE", "/dev/ttyNOPE", "", "/dev/null"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(enumerate_find(globs, 3, wanted[i], &p), ERR_NOT_FOUND);
        assert_string_equal(err_last()->code, "port_not_found");
    }
}

static void without_globs_no_pseudo_terminal_is_listed(void **state)
{
    (void)state;
    struct port_info *list;
    size_t n;
    assert_int_equal(enumerate_ports(NULL, 0, &list, &n), ERR_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(strncmp(list[i].device, "/dev/pts/", 9), 0);
    free(list);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(globs_add_each_device_once_and_nothing_else),
        TEST(a_port_is_found_by_each_of_its_names),
        TEST(names_are_fit_for_a_url),
        TEST(what_is_not_there_is_not_found),
        TEST(without_globs_no_pseudo_terminal_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
