#include "service/flash/chip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void every_known_magic_names_its_chip(void **state)
{
    (void)state;
    static const struct {
        uint32_t magic;
        const char *name;
    } cases[] = {
        {0x00f01d83, "esp32"},    {0x000007c6, "esp32s2"},  {0x00000009, "esp32s3"},
        {0x6921506f, "esp32c3"},  {0x1b31506f, "esp32c3"},  {0x4881606f, "esp32c3"},
        {0x4361606f, "esp32c3"},  {0x6f51306f, "esp32c2"},  {0x7c41a06f, "esp32c2"},
        {0x0c21e06f, "esp32c2"},  {0x2ce0806f, "esp32c6"},  {0xd7b73e80, "esp32h2"},
        {0x97e30068, "esp32h2"},  {0x0addbad0, "esp32p4"},  {0x07039ad9, "esp32p4"},
        {0x33f0206f, "esp32c61"}, {0x2421606f, "esp32c61"}, {0x7211606f, "esp32c61"},
        {0x4f81606f, "esp32c61"}, {0x1101406f, "esp32c5"},  {0x63e1406f, "esp32c5"},
        {0x5fd1406f, "esp32c5"},  {0x30e1706f, "esp32c5"},  {0xfff0c101, "esp8266"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct chip *c = chip_by_magic(cases[i].magic);
        assert_non_null(c);
        assert_string_equal(c->name, cases[i].name);
        assert_ptr_equal(chip_by_name(c->name), c);
    }
    assert_null(chip_by_magic(0));
    assert_null(chip_by_magic(0xdeadbeef));
    assert_null(chip_by_name("esp32x"));
}

static void each_supported_chip_has_its_offsets_and_its_id(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t image_id;
        uint8_t begin_words;
        uint32_t bootloader, table;
    } cases[] = {
        {"esp32", 0, 4, 0x1000, 0x8000}, {"esp32s2", 2, 5, 0x1000, 0x8000},
        {"esp32s3", 9, 5, 0, 0x8000},    {"esp32c2", 12, 5, 0, 0x8000},
        {"esp32c3", 5, 5, 0, 0x8000},    {"esp32c5", 23, 5, 0x2000, 0xc000},
        {"esp32c6", 13, 5, 0, 0x8000},   {"esp32c61", 20, 5, 0, 0xc000},
        {"esp32h2", 16, 5, 0, 0x8000},
    };
    size_t n, supported = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct chip *c = chip_by_image_id(cases[i].image_id);
        assert_non_null(c);
        assert_string_equal(c->name, cases[i].name);
        assert_true(c->supported);
        assert_int_equal(c->begin_words, cases[i].begin_words);
        assert_int_equal(c->bootloader_offset, cases[i].bootloader);
        assert_int_equal(c->table_offset, cases[i].table);
    }
    const struct chip *list = chip_list(&n);
    for (size_t i = 0; i < n; i++)
        supported += list[i].supported;
    assert_int_equal(supported, sizeof cases / sizeof cases[0]);
}

static void an_id_that_nobody_has_names_nobody(void **state)
{
    (void)state;
    static const uint16_t ids[] = {1, 4, 28, 32, 0x0500, CHIP_NO_IMAGE_ID};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_null(chip_by_image_id(ids[i]));
    assert_string_equal(chip_by_image_id(18)->name, "esp32p4");
}

static void security_info_names_all_but_the_esp32(void **state)
{
    (void)state;
    assert_string_equal(chip_by_info(20, 5)->name, "esp32c3");
    assert_string_equal(chip_by_info(20, 18)->name, "esp32p4");
    assert_string_equal(chip_by_info(12, 0)->name, "esp32s2"); /* has no id in it */
    assert_null(chip_by_info(20, 0));
    assert_null(chip_by_info(20, 2));
    assert_null(chip_by_info(20, 0x10005));
    assert_null(chip_by_info(20, CHIP_NO_IMAGE_ID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_magic_names_its_chip),
        cmocka_unit_test(each_supported_chip_has_its_offsets_and_its_id),
        cmocka_unit_test(an_id_that_nobody_has_names_nobody),
        cmocka_unit_test(security_info_names_all_but_the_esp32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
