#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/jobs/place.h"

static const struct partition_table primary = {
    .count = 2,
    .rows = {{"nvs", 1, 2, 0x12000, 0xE000, 0}, {"ota_0", 0, 16, 0x100000, 0x180000, 0}}};
static const struct partition_table user = {
    .count = 2,
    .rows = {{"mqtt_key", 0x40, 13, 0x39000, 0x2000, 0}, {"nvs", 0x40, 14, 0x70000, 0x1000, 0}}};
static const struct partition_table none = {.count = 0};
static const struct place_map map = {&primary, &user, 0x400000};

static void partitions_of_both_tables_are_found_the_primary_first(void **state)
{
    (void)state;
    struct place p;
    assert_int_equal(place_find(&map, &(struct command_place){.partition = "ota_0"}, false, &p),
                     ERR_OK);
    assert_string_equal(p.name, "ota_0");
    assert_int_equal(p.offset, 0x100000);
    assert_int_equal(p.size, 0x180000);
    assert_int_equal(place_find(&map, &(struct command_place){.partition = "mqtt_key"}, false, &p),
                     ERR_OK);
    assert_int_equal(p.offset, 0x39000);
    assert_int_equal(place_find(&map, &(struct command_place){.partition = "nvs"}, false, &p),
                     ERR_OK);
    assert_int_equal(p.offset, 0x12000);
}

static void a_range_and_the_whole_need_no_table(void **state)
{
    (void)state;
    const struct place_map blank = {&none, &none, 0x200000};
    struct place p;
    assert_int_equal(
        place_find(&blank, &(struct command_place){.offset = 0x1FF000, .size = 0x1000}, false, &p),
        ERR_OK);
    assert_string_equal(p.name, "");
    assert_int_equal(p.offset, 0x1FF000);
    assert_int_equal(place_find(&blank, &(struct command_place){.size = 0}, true, &p), ERR_OK);
    assert_int_equal(p.offset, 0);
    assert_int_equal(p.size, 0x200000);
}

static void a_name_that_is_not_there_is_answered_with_those_that_are(void **state)
{
    (void)state;
    const struct place_map blank = {&none, &none, 0x200000};
    struct place p;
    const struct command_place wanted = {.partition = "fatfs"};
    assert_int_equal(place_find(&map, &wanted, false, &p), ERR_ARG);
    assert_string_equal(err_last()->code, "partition_not_found");
    assert_non_null(strstr(err_last()->detail, "\"fatfs\"; there are: nvs, ota_0, mqtt_key, nvs"));
    assert_int_equal(place_find(&blank, &wanted, false, &p), ERR_ARG);
    assert_non_null(strstr(err_last()->detail, "no partition table is known"));
}

static void what_goes_beyond_the_flash_is_refused(void **state)
{
    (void)state;
    struct place p;
    static const struct command_place beyond[] = {
        {.offset = 0x400000, .size = 1},
        {.offset = 0x3FF000, .size = 0x1001},
        {.offset = 0xFFFFFFFF, .size = 0xFFFFFFFF},
    };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(place_find(&map, &beyond[i], false, &p), ERR_ARG);
        assert_string_equal(err_last()->code, "flash_past_end");
    }
    const struct place_map small = {&primary, &user, 0x200000};
    assert_int_equal(place_find(&small, &(struct command_place){.partition = "ota_0"}, false, &p),
                     ERR_ARG);
    assert_string_equal(err_last()->code, "flash_past_end");
}

static void ranges_overlap_when_they_share_a_byte(void **state)
{
    (void)state;
    const struct place p = {.offset = 0x1000, .size = 0x1000};
    assert_true(place_overlaps(&p, 0x1FFF, 1));
    assert_true(place_overlaps(&p, 0, 0x1001));
    assert_true(place_overlaps(&p, 0, 0xFFFFFFFF));
    assert_false(place_overlaps(&p, 0, 0x1000));
    assert_false(place_overlaps(&p, 0x2000, 0x1000));
    const struct place top = {.offset = 0xFFFFF000, .size = 0x1000};
    assert_true(place_overlaps(&top, 0xFFFFF800, 0x800));
    assert_false(place_overlaps(&top, 0, 0x1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_of_both_tables_are_found_the_primary_first),
        cmocka_unit_test(a_range_and_the_whole_need_no_table),
        cmocka_unit_test(a_name_that_is_not_there_is_answered_with_those_that_are),
        cmocka_unit_test(what_goes_beyond_the_flash_is_refused),
        cmocka_unit_test(ranges_overlap_when_they_share_a_byte),
    };
    return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
