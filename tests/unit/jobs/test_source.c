/* Do the firmwares that an order names fit their fields? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/jobs/source.h"
#include "tests/unit/store/folder.h"

struct fixture {
    struct folder folder;
    struct store *store;
};

static void keep(struct store *s, const char *id, enum firmware_kind kind, char digit)
{
    struct firmware_info *info = calloc(1, sizeof *info);
    struct firmware_record r = {.name = "file.bin", .size = 1};
    assert_non_null(info);
    info->kind = kind;
    info->part_count = 1;
    snprintf(info->parts[0].name, sizeof info->parts[0].name, "file.bin");
    info->parts[0].size = 1;
    json_t *value = firmware_to_json(info);
    snprintf(r.id, sizeof r.id, "%s", id);
    memset(r.sha256, digit, sizeof r.sha256 - 1);
    r.info_json = json_dumps(value, JSON_COMPACT);
    assert_int_equal(store_firmware_add(s, &r), ERR_OK);
    json_decref(value);
    firmware_record_dispose(&r);
    free(info);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || folder_make(&f->folder) || store_open(f->folder.path, &f->store)) return -1;
    keep(f->store, "fw_factory", FIRMWARE_FACTORY, '1');
    keep(f->store, "fw_release", FIRMWARE_RELEASE, '2');
    keep(f->store, "fw_binary", FIRMWARE_BINARY, '3');
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

static enum err check(void **state, const char *body, struct field_errors *errors)
{
    const struct fixture *f = *state;
    static char text[512];
    static struct command c;
    snprintf(text, sizeof text, "{\"kind\":\"flash\",\"slot\":\"a\",%s}", body);
    assert_int_equal(command_parse(text, strlen(text), &c, errors), ERR_OK);
    return sources_check(f->store, &c, errors);
}

#define ITEM(id) "{\"firmware\":\"" id "\",\"offset\":0}"

static void each_kind_has_its_field(void **state)
{
    struct field_errors errors;
    assert_int_equal(check(state, "\"firmware\":\"fw_factory\"", &errors), ERR_OK);
    assert_int_equal(check(state, "\"firmware\":\"fw_release\"", &errors), ERR_OK);
    assert_int_equal(check(state, "\"images\":[" ITEM("fw_binary") "]", &errors), ERR_OK);
    assert_int_equal(check(state, "\"images\":[{\"image\":\"img_1\",\"file\":\"a\"}]", &errors),
                     ERR_OK); /* the store sees to it */
}

static void one_that_does_not_fit_is_told_by_its_pointer(void **state)
{
    struct field_errors errors;
    assert_int_equal(check(state, "\"firmware\":\"fw_binary\"", &errors), ERR_ARG);
    assert_string_equal(err_last()->code, "bad_body");
    assert_string_equal(errors.items[0].pointer, "/firmware");
    assert_non_null(strstr(errors.items[0].detail, "is a binary"));
    assert_int_equal(
        check(state,
              "\"images\":[" ITEM("fw_factory") "," ITEM("fw_binary") "," ITEM("fw_release") "]",
              &errors),
        ERR_ARG);
    assert_int_equal(errors.count, 2);
    assert_string_equal(errors.items[0].pointer, "/images/0/firmware");
    assert_non_null(strstr(errors.items[0].detail, "is a factory"));
    assert_string_equal(errors.items[1].pointer, "/images/2/firmware");
    assert_non_null(strstr(errors.items[1].detail, "is a release"));
}

static void one_that_is_not_there_is_not_found(void **state)
{
    struct field_errors errors;
    assert_int_equal(check(state, "\"firmware\":\"fw_other\"", &errors), ERR_NOT_FOUND);
    assert_string_equal(err_last()->code, "firmware_not_found");
    assert_int_equal(check(state, "\"images\":[" ITEM("fw_other") "]", &errors), ERR_NOT_FOUND);
}

static void a_firmware_whose_files_are_gone_cannot_be_opened(void **state)
{
    const struct fixture *f = *state;
    struct source *s;
    assert_int_equal(source_open(f->store, f->folder.path, "fw_factory", &s), ERR_IO);
    assert_string_equal(err_last()->code, "firmware_lost");
    assert_null(s);
    assert_int_equal(source_open(f->store, f->folder.path, "fw_other", &s), ERR_NOT_FOUND);
    assert_null(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_has_its_field),
        TEST(one_that_does_not_fit_is_told_by_its_pointer),
        TEST(one_that_is_not_there_is_not_found),
        TEST(a_firmware_whose_files_are_gone_cannot_be_opened),
    };
    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
