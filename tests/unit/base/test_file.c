// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/file.h"

static char dir[64], path[128];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/espgate-test-XXXXXX");
    if (!mkdtemp(dir)) return 1;
    snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir); /* fails when anything is left over */
}

static void assert_holds(const char *want)
{
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(file_read(path, &b), ERR_OK);
    assert_string_equal(buf_str(&b), want);
    buf_dispose(&b);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(file_replace(path, "first", 5, 0600), ERR_OK);
    assert_holds("first");
    assert_int_equal(file_replace(path, "2nd", 3, 0640), ERR_OK);
    assert_holds("2nd");
    assert_int_equal(file_replace(path, "", 0, 0600), ERR_OK);
    assert_holds("");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void what_a_crash_left_over_is_no_hindrance(void **state)
{
    (void)state;
    char left[160];
    snprintf(left, sizeof left, "%s.new", path);
    FILE *f = fopen(left, "w");
    assert_true(f && fputs("half", f) >= 0 && fclose(f) == 0);
    assert_int_equal(file_replace(path, "whole", 5, 0600), ERR_OK);
    assert_holds("whole");
}

static void a_file_over_the_cap_is_refused(void **state)
{
    (void)state;
    char text[10001];
    memset(text, 'x', sizeof text);
    assert_int_equal(file_replace(path, text, sizeof text, 0600), ERR_OK);
    struct buf b;
    buf_init(&b, sizeof text - 1);
    assert_int_equal(file_read(path, &b), ERR_TOO_LARGE);
    buf_dispose(&b);
    buf_init(&b, sizeof text);
    assert_int_equal(file_read(path, &b), ERR_OK);
    assert_int_equal(b.len, sizeof text);
    buf_dispose(&b);
}

static void what_is_not_there_and_what_is_no_file_are_told_apart(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(file_read(path, &b), ERR_NOT_FOUND);
    assert_int_equal(file_read(dir, &b), ERR_IO);
    buf_dispose(&b);
    char nowhere[160];
    snprintf(nowhere, sizeof nowhere, "%s/none/file", dir);
    assert_int_equal(file_replace(nowhere, "x", 1, 0600), ERR_IO);
}

static void folders_are_made_with_their_parents_for_the_owner_only(void **state)
{
    (void)state;
    char deep[160], middle[160];
    snprintf(middle, sizeof middle, "%s/a", dir);
    snprintf(deep, sizeof deep, "%s/a/b", dir);
    assert_int_equal(file_make_dirs(deep), ERR_OK);
    assert_int_equal(file_make_dirs(deep), ERR_OK);
    struct stat st;
    assert_int_equal(stat(deep, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0700);
    rmdir(deep);
    rmdir(middle);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(file_replace(path, "x", 1, 0600), ERR_OK);
    char below[160];
    snprintf(below, sizeof below, "%s/b", path);
    assert_int_equal(file_make_dirs(below), ERR_IO);
    assert_int_equal(file_make_dirs(path), ERR_IO);
}

static void a_full_disk_has_a_code_of_its_own(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_write(fd, path, "x", 0), ERR_OK);
    assert_int_equal(file_write(fd, path, "x", 1), ERR_IO);
    assert_true(err_is(ERR_IO, "disk_full"));
    close(fd);
    assert_int_equal(file_write(fd, path, "x", 1), ERR_IO);
    assert_false(err_is(ERR_IO, "disk_full"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_replaced_as_a_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_crash_left_over_is_no_hindrance, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_over_the_cap_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_and_what_is_no_file_are_told_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(folders_are_made_with_their_parents_for_the_owner_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_the_way_of_a_folder_is_an_error, setup, teardown),
        cmocka_unit_test(a_full_disk_has_a_code_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
