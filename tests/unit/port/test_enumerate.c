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

static struct port_list list_ports(size_t glob_count)
{
    struct port_list list;
    assert_int_equal(enumerate_ports(globs, glob_count, &list), ERR_OK);
    return list;
}

static void globs_add_each_device_once_and_nothing_else(void **state)
{
    (void)state;
    struct port_list list = list_ports(3);
    size_t ours = 0;
    for (size_t i = 0; i < list.count; i++) {
        const struct port_info *p = &list.items[i];
        assert_string_not_equal(p->path, in_dir("a/gone"));
        assert_string_not_equal(p->path, in_dir("a/file"));
        for (size_t k = i + 1; k < list.count; k++) {
            assert_string_not_equal(p->device, list.items[k].device);
            assert_string_not_equal(p->name, list.items[k].name);
            assert_string_not_equal(p->id, list.items[k].id);
        }
        ours += !strncmp(p->path, dir, strlen(dir));
    }
    assert_int_equal(ours, 2);
    free(list.items);
}

static void a_port_is_found_by_each_of_its_names(void **state)
{
    (void)state;
    struct port_list list = list_ports(3);
    const struct port_info *a = enumerate_match(&list, "download");
    const struct port_info *b = enumerate_match(&list, "download-2");
    assert_non_null(a);
    assert_non_null(b);
    assert_string_equal(a->device, device[0]);
    assert_string_equal(a->path, in_dir("a/download"));
    assert_string_equal(a->id, a->path);
    assert_int_equal(a->usb_vid, -1);
    assert_string_equal(a->bridge, "");
    assert_string_equal(a->socket, "");
    assert_string_equal(b->device, device[1]);
    assert_ptr_equal(enumerate_match(&list, in_dir("b/download")), b);
    assert_ptr_equal(enumerate_match(&list, device[1]), b);
    assert_ptr_equal(enumerate_match(&list, in_dir("b/same again")), b);
    free(list.items);
}

static void names_are_fit_for_a_url(void **state)
{
    (void)state;
    snprintf(pattern[0], sizeof pattern[0], "%s/b/same*", dir);
    struct port_list list = list_ports(1);
    const struct port_info *p = enumerate_match(&list, "same_again");
    assert_non_null(p);
    assert_string_equal(p->device, device[1]);
    free(list.items);
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const wanted[] = {"ttyNOPE", "/dev/ttyNOPE", "", "/dev/null"};
    struct port_list list = list_ports(3);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_null(enumerate_match(&list, wanted[i]));
    free(list.items);
}

static void without_globs_no_pseudo_terminal_is_listed(void **state)
{
    (void)state;
    struct port_list list = list_ports(0);
    for (size_t i = 0; i < list.count; i++)
        assert_int_not_equal(strncmp(list.items[i].device, "/dev/pts/", 9), 0);
    free(list.items);
}

/* Two CP2102 with the number that all of them have, a third one of another kind, and both ports of
 * an adapter that has two. */
static void adapters_with_the_same_number_are_twins(void **state)
{
    (void)state;
    struct port_info items[] = {
        {.socket = "usb-1-1:if00", .usb_vid = 1, .usb_pid = 2, .usb_serial = "0001"},
        {.socket = "usb-1-2:if00", .usb_vid = 1, .usb_pid = 2, .usb_serial = "0001"},
        {.socket = "usb-1-3:if00", .usb_vid = 1, .usb_pid = 3, .usb_serial = "0001"},
        {.socket = "usb-1-4:if00", .usb_vid = 4, .usb_pid = 4, .usb_serial = ""},
        {.socket = "usb-1-4:if01", .usb_vid = 4, .usb_pid = 4, .usb_serial = ""},
        {.socket = "", .usb_vid = -1, .usb_pid = -1, .usb_serial = ""},
        {.socket = "", .usb_vid = -1, .usb_pid = -1, .usb_serial = ""},
    };
    const struct port_list list = {items, sizeof items / sizeof items[0]};
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(enumerate_has_twin(&list, &items[i]), i < 2);
    /* The first of them is unplugged. */
    const struct port_list later = {items + 1, 4};
    assert_false(enumerate_has_twin(&later, &items[1]));
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
        cmocka_unit_test(adapters_with_the_same_number_are_twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
