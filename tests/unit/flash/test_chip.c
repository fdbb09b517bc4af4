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
        {0x33f0206f, "esp32c61"}, {0x4f81606f, "esp32c61"}, {0x1101406f, "esp32c5"},
        {0x30e1706f, "esp32c5"},  {0xfff0c101, "esp8266"},
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

static void the_esp32_alone_is_supported_and_takes_four_words(void **state)
{
    (void)state;
    const struct chip *c = chip_by_name("esp32");
    assert_true(c->supported);
    assert_int_equal(c->begin_words, 4);
    assert_int_equal(c->table_offset, 0x8000);
    assert_int_equal(chip_by_name("esp32c5")->table_offset, 0xc000);
    assert_int_equal(chip_by_name("esp32c61")->table_offset, 0xc000);
    assert_false(chip_by_name("esp32c3")->supported);
    assert_int_equal(chip_by_name("esp32c3")->begin_words, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_magic_names_its_chip),
        cmocka_unit_test(the_esp32_alone_is_supported_and_takes_four_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
