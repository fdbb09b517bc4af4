#include "tests/unit/firmware/samples.h"

#include <sys/stat.h>

#include "service/firmware/shelf.h"

static struct folder data;

static int setup(void **state)
{
    (void)state;
    return folder_make(&data);
}

static bool knows_none(const char *id, void *arg)
{
    (void)id;
    (void)arg;
    return false;
}

/* The folder is flat again once the shelf is empty. */
static int teardown(void **state)
{
    char path[SHELF_PATH];
    (void)state;
    shelf_open(data.path, knows_none, NULL);
    snprintf(path, sizeof path, "%s/firmware", data.path);
    rmdir(path);
    folder_remove(&data);
    return 0;
}

static bool knows_one(const char *id, void *arg)
{
    return !strcmp(id, arg);
}

static void put(const char *id, const char *file)
{
    char path[SHELF_PATH];
    shelf_path(data.path, id, file, path);
    assert_int_equal(file_replace(path, "x", 1, 0600), ERR_OK);
}

static bool is_there(const char *below)
{
    char path[SHELF_PATH];
    snprintf(path, sizeof path, "%s/firmware/%s", data.path, below);
    return !access(path, F_OK);
}

static void a_shelf_is_made_for_its_owner_alone(void **state)
{
    (void)state;
    char path[SHELF_PATH];
    struct stat st;
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_int_equal(shelf_make(data.path, "fw_1"), ERR_OK);
    shelf_path(data.path, "fw_1", "content", path);
    char want[SHELF_PATH];
    snprintf(want, sizeof want, "%s/firmware/fw_1/content", data.path);
    assert_string_equal(path, want);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void a_folder_is_made_once_and_removed_with_all_in_it(void **state)
{
    (void)state;
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_int_equal(shelf_make(data.path, "fw_1"), ERR_OK);
    assert_int_equal(shelf_make(data.path, "fw_1"), ERR_IO);
    put("fw_1", "upload");
    put("fw_1", "content");
    assert_int_equal(shelf_sync(data.path, "fw_1"), ERR_OK);
    shelf_remove(data.path, "fw_1");
    assert_false(is_there("fw_1"));
    shelf_remove(data.path, "fw_1");
    assert_int_equal(shelf_make(data.path, "fw_1"), ERR_OK);
}

static void what_the_store_does_not_know_is_removed_at_start(void **state)
{
    (void)state;
    char known[] = "fw_known", path[SHELF_PATH];
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_int_equal(shelf_make(data.path, known), ERR_OK);
    assert_int_equal(shelf_make(data.path, "fw_half"), ERR_OK);
    put(known, "upload");
    put("fw_half", "upload");
    snprintf(path, sizeof path, "%s/firmware/stray", data.path);
    assert_int_equal(file_replace(path, "x", 1, 0600), ERR_OK);
    assert_int_equal(shelf_open(data.path, knows_one, known), ERR_OK);
    assert_true(is_there("fw_known/upload"));
    assert_false(is_there("fw_half"));
    assert_false(is_there("stray"));
}

static void a_link_is_removed_and_not_followed(void **state)
{
    (void)state;
    struct folder other;
    char path[SHELF_PATH], file[FOLDER_FILE];
    assert_int_equal(folder_make(&other), 0);
    assert_int_equal(file_replace(folder_file(&other, "mine", file), "x", 1, 0600), ERR_OK);
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    snprintf(path, sizeof path, "%s/firmware/link", data.path);
    assert_int_equal(symlink(other.path, path), 0);
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_false(is_there("link"));
    assert_int_equal(access(file, F_OK), 0);
    folder_remove(&other);
}

static void what_is_not_there_cannot_be_synced(void **state)
{
    (void)state;
    assert_int_equal(shelf_open(data.path, knows_none, NULL), ERR_OK);
    assert_int_equal(shelf_sync(data.path, "fw_none"), ERR_IO);
    assert_int_equal(shelf_make("/nonexistent", "fw_1"), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_shelf_is_made_for_its_owner_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_is_made_once_and_removed_with_all_in_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_the_store_does_not_know_is_removed_at_start, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_link_is_removed_and_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_cannot_be_synced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
