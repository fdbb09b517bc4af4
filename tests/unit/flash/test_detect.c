/* Which chip it is, and what its fuses allow, on every chip of the family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "service/flash/security.h"
#include "tests/unit/flash/model_chips.h"

static enum err connect(void)
{
    return flasher_connect(f, deadline_in_ms(30000));
}

static enum err write_something(void)
{
    static const uint8_t data[] = "four words or five";
    const struct flasher_region r = {
        .offset = 0x10000, .erase_bytes = 0x2000, .data = data, .n = sizeof data};
    return flasher_write(f, &r, deadline_in_ms(60000), NULL, NULL);
}

static void assert_chip(const char *name)
{
    assert_string_equal(flasher_board(f)->chip->name, name);
}

/* ---- which one ---- */

static void one_read_tells_the_chip(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        assert_int_equal(connect(), ERR_OK);
        assert_chip(model_chips[i].name);
        assert_int_equal(flasher_commands(f), 2);
        assert_false(flasher_board(f)->security.secure_download);
        end();
    }
}

static void a_new_word_is_told_by_the_id(void **state)
{
    (void)state;
    for (size_t i = 1; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        model_set_reg(m, 0x40001000, 0x0000beef);
        assert_int_equal(connect(), ERR_OK);
        assert_chip(model_chips[i].name);
        assert_int_equal(m->infos, 1);
        assert_false(flasher_board(f)->security.secure_download);
        end();
    }
}

/* It answers such a question eight times, with another command's opcode. */
static void an_esp32_is_never_asked_what_it_does_not_know(void **state)
{
    (void)state;
    begin("esp32");
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_identify(f, deadline_in_ms(30000)), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_something(), ERR_OK);
    assert_int_equal(m->unknowns, 0);
    assert_int_equal(flasher_retries(f), 0);
    end();
}

static void a_damaged_first_read_is_made_up_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODEL_CHIPS; i++)
        for (uint64_t at = 48; at < 48 + 14; at++) {
            begin(model_chips[i].name);
            m->flip_at = at;
            enum err e = connect();
            if (e)
                fail_msg("%s, byte %u: %s", model_chips[i].name, (unsigned)at, err_last()->detail);
            assert_chip(model_chips[i].name);
            assert_false(flasher_board(f)->security.secure_download);
            end();
        }
}

static void nothing_is_sent_to_a_chip_that_is_not_supported(void **state)
{
    (void)state;
    static const struct {
        uint32_t magic, id;
        const char *code, *said;
    } cases[] = {
        {0xfff0c101, 0, "chip_unsupported", "ESP8266"},
        {0x0addbad0, 18, "chip_unsupported", "ESP32-P4"},
        {0, 18, "chip_unsupported", "ESP32-P4"},
        {0x12345678, 0xbad, "chip_unknown", "0x12345678"},
        {0x12345678, 28, "chip_unknown", "id 28"},
        {0x12345678, 0xffff, "chip_unknown", "id 65535"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin("esp32c3");
        m->chip.id = cases[i].id;
        model_set_reg(m, 0x40001000, cases[i].magic);
        assert_int_equal(connect(), ERR_UNSUPPORTED);
        assert_string_equal(err_last()->code, cases[i].code);
        assert_non_null(strstr(err_last()->detail, cases[i].said));
        assert_string_not_equal(err_last()->hint, "");
        assert_int_equal(m->begins + m->written_count, 0);
        assert_int_equal(flasher_attach(f, 0), ERR_CONFLICT);
        assert_int_equal(flasher_identify(f, deadline_in_ms(1000)), ERR_CONFLICT);
        end();
    }
}

static void an_unsupported_chip_comes_with_the_list_of_the_others(void **state)
{
    (void)state;
    begin("esp32c3");
    model_set_reg(m, 0x40001000, 0xfff0c101);
    assert_int_equal(connect(), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->hint,
                        "Use a board with one of these: ESP32, ESP32-S2, ESP32-S3, ESP32-C2, "
                        "ESP32-C3, ESP32-C5, ESP32-C6, ESP32-C61, ESP32-H2");
    end();
}

/* ---- what it allows ---- */

static void an_open_board_is_writable(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(flasher_read_mac(f), ERR_OK);
        const struct flasher_security *s = &flasher_board(f)->security;
        assert_true(s->known);
        assert_false(s->secure_boot || s->flash_encryption || s->secure_download);
        unsigned commands = flasher_commands(f);
        assert_int_equal(flasher_check_writable(f), ERR_OK);
        assert_int_equal(flasher_commands(f), commands);
        end();
    }
}

static void an_odd_count_of_switches_means_encryption(void **state)
{
    (void)state;
    static const uint8_t counts[] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (size_t i = 1; i < MODEL_CHIPS; i++)
        for (size_t k = 0; k < sizeof counts; k++) {
            bool odd = counts[k] == 1 || counts[k] == 2 || counts[k] == 4 || counts[k] == 7;
            begin(model_chips[i].name);
            m->crypt_count = counts[k];
            assert_int_equal(connect(), ERR_OK);
            assert_int_equal(flasher_check_writable(f), odd ? ERR_UNSUPPORTED : ERR_OK);
            if (odd) assert_string_equal(err_last()->code, "flash_encrypted");
            assert_int_equal(flasher_board(f)->security.flash_encryption, odd);
            assert_int_equal(flasher_board(f)->security.crypt_count, counts[k]);
            end();
        }
}

/* Fuses of each chip: the count of switches with its lowest bit set, and secure boot. */
static const struct {
    const char *chip;
    struct model_reg crypt, boot;
} fuses[] = {
    {"esp32", {0x3ff5a000, 1 << 20}, {0x3ff5a018, 1 << 4}},
    {"esp32", {0x3ff5a000, 1 << 26}, {0x3ff5a018, 1 << 5}},
    {"esp32s2", {0x3f41a034, 1 << 18}, {0x3f41a038, 1 << 20}},
    {"esp32s3", {0x60007034, 1 << 20}, {0x60007038, 1 << 20}},
    {"esp32c2", {0x60008830, 1 << 7}, {0x60008830, 1 << 21}},
    {"esp32c3", {0x60008834, 1 << 19}, {0x60008838, 1 << 20}},
    {"esp32c5", {0x600b4834, 1 << 16}, {0x600b4838, 1 << 25}},
    {"esp32c6", {0x600b0834, 1 << 18}, {0x600b0838, 1 << 20}},
    {"esp32c61", {0x600b4830, 1 << 23}, {0x600b4834, 1 << 26}},
    {"esp32h2", {0x600b0834, 1 << 18}, {0x600b0838, 1 << 20}},
};

static void expect_by_fuse(const char *chip, struct model_reg fuse, const char *code)
{
    begin(chip);
    m->no_info = true;
    model_set_reg(m, fuse.at, fuse.value);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_check_writable(f), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, code);
    assert_int_equal(flasher_board(f)->security.flags, 0);
    end();
}

static void a_loader_that_does_not_tell_is_known_by_its_fuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof fuses / sizeof fuses[0]; i++) {
        expect_by_fuse(fuses[i].chip, fuses[i].crypt, "flash_encrypted");
        expect_by_fuse(fuses[i].chip, fuses[i].boot, "secure_boot");
    }
}

static void secure_boot_is_told_by_its_flag(void **state)
{
    (void)state;
    for (size_t i = 1; i < MODEL_CHIPS; i++) {
        begin(model_chips[i].name);
        m->flags = 0x41;
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(flasher_check_writable(f), ERR_UNSUPPORTED);
        assert_string_equal(err_last()->code, "secure_boot");
        assert_true(flasher_board(f)->security.secure_boot);
        assert_int_equal(flasher_board(f)->security.flags, 0x41);
        end();
    }
}

/* A caller that never asked is refused all the same. */
static void nothing_is_written_to_a_locked_board(void **state)
{
    (void)state;
    begin("esp32c6");
    m->crypt_count = 1;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_something(), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "flash_encrypted");
    assert_string_not_equal(err_last()->hint, "");
    assert_int_equal(flasher_erase(f, 0x10000, 0x1000, deadline_in_ms(60000), NULL, NULL),
                     ERR_UNSUPPORTED);
    assert_int_equal(m->begins, 0);
    end();
}

static void plain_writes_can_be_forced(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}, .force_plain = true};
    begin_with("esp32", &o);
    model_set_reg(m, 0x3ff5a000, 1 << 20);
    model_set_reg(m, 0x3ff5a018, 1 << 5);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_something(), ERR_OK);
    assert_false(flasher_unverified(f));
    end();
}

static void a_damaged_read_neither_locks_nor_opens_a_board(void **state)
{
    (void)state;
    static const char *const chips[] = {"esp32", "esp32s2", "esp32c3"};
    for (size_t i = 0; i < 3; i++)
        for (uint64_t at = 1; at < 150; at++) {
            begin(chips[i]);
            bool locked = at % 2;
            m->crypt_count = locked;
            if (locked) model_set_reg(m, 0x3ff5a000, 1 << 20);
            assert_int_equal(connect(), ERR_OK);
            m->flip_at = m->host_bytes + at;
            assert_int_equal(flasher_read_mac(f), ERR_OK);
            assert_int_equal(flasher_board(f)->security.flash_encryption, locked);
            assert_false(flasher_board(f)->security.secure_download);
            end();
        }
}

/* ---- secure download mode ---- */

static const struct flasher_options unverified = {
    .reset = {.kind = RESET_AUTO}, .allow_unverified = true, .flash_bytes = 2 * 1024 * 1024};

static void begin_secure(const char *chip, const struct flasher_options *o)
{
    begin_with(chip, o);
    m->secure_download = true;
    m->flags = 4;
}

static void in_secure_download_mode_the_chip_is_told_all_the_same(void **state)
{
    (void)state;
    for (size_t i = 1; i < MODEL_CHIPS; i++) {
        const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
        begin_secure(model_chips[i].name, &o);
        assert_int_equal(connect(), ERR_OK);
        assert_chip(model_chips[i].name);
        assert_true(flasher_board(f)->security.secure_download);
        assert_int_equal(flasher_identify(f, deadline_in_ms(30000)), ERR_OK);
        const struct flasher_board *board = flasher_board(f);
        assert_false(board->mac_known);
        assert_int_equal(board->flash_id, 0);
        assert_int_equal(board->flash_bytes, 4 * 1024 * 1024);
        assert_true(board->security.known);
        assert_int_equal(m->resets, 1);
        end();
    }
}

/* An S2 whose flags say nothing: that it cannot be read is enough. */
static void a_refusal_to_be_read_is_believed_without_a_flag(void **state)
{
    (void)state;
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    begin_secure("esp32s2", &o);
    m->flags = 0;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_check_writable(f), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "secure_download");
    assert_true(flasher_board(f)->security.secure_download);
    end();
}

static void what_nobody_can_check_is_refused(void **state)
{
    (void)state;
    uint8_t md5[MD5_BYTES], out[64];
    const struct flasher_options o = {.reset = {.kind = RESET_AUTO}};
    begin_secure("esp32c3", &o);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_something(), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "secure_download");
    assert_int_equal(flasher_erase(f, 0x10000, 0x1000, deadline_in_ms(60000), NULL, NULL),
                     ERR_UNSUPPORTED);
    assert_int_equal(flasher_md5(f, 0, 64, md5), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "secure_download");
    assert_int_equal(flasher_read(f, 0, out, sizeof out, NULL, NULL), ERR_UNSUPPORTED);
    assert_int_equal(m->begins, 0);
    end();
}

static void what_nobody_can_check_is_written_on_demand(void **state)
{
    (void)state;
    for (size_t i = 1; i < MODEL_CHIPS; i++) {
        begin_secure(model_chips[i].name, &unverified);
        assert_int_equal(connect(), ERR_OK);
        assert_int_equal(flasher_identify(f, deadline_in_ms(30000)), ERR_OK);
        assert_int_equal(flasher_board(f)->flash_bytes, 2 * 1024 * 1024);
        unsigned refused = m->unknowns;
        assert_int_equal(flasher_attach(f, 0), ERR_OK);
        assert_int_equal(m->known_size, 2 * 1024 * 1024);
        assert_false(flasher_unverified(f));
        assert_int_equal(write_something(), ERR_OK);
        assert_true(flasher_unverified(f));
        assert_int_equal(flasher_erase(f, 0x20000, 0x1000, deadline_in_ms(60000), NULL, NULL),
                         ERR_OK);
        assert_memory_equal(m->flash + 0x10000, "four words or five", 19);
        assert_int_equal(m->flash[0x11fff], 0xff);
        assert_int_equal(m->flash[0x20fff], 0xff);
        assert_int_equal(m->unknowns, refused); /* nothing was tried that this mode forbids */
        end();
    }
}

static void nothing_is_sent_compressed_where_only_little_is_known(void **state)
{
    (void)state;
    static uint8_t data[FLASHER_WINDOW] = "four words or five";
    const struct flasher_region r = {.offset = 0x10000,
                                     .erase_bytes = sizeof data,
                                     .data = data,
                                     .n = sizeof data,
                                     .packed = data,
                                     .packed_n = 100,
                                     .packed_covers = sizeof data};
    bool same = true;
    begin_secure("esp32c3", &unverified);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(flasher_compare(f, &r, &same), ERR_OK);
    assert_false(same);
    assert_int_equal(flasher_write(f, &r, deadline_in_ms(60000), NULL, NULL), ERR_OK);
    assert_memory_equal(m->flash + r.offset, data, sizeof data);
    assert_int_equal(m->deflates, 0);
    assert_int_equal(flasher_retries(f), 0);
    end();
}

/* "Identical, so not written" must not come from a check that was not made. */
static void a_check_that_cannot_be_made_is_not_passed(void **state)
{
    (void)state;
    static const uint8_t data[4] = {1, 2, 3, 4};
    const struct flasher_region r = {
        .offset = 0x10000, .erase_bytes = 0x1000, .data = data, .n = sizeof data};
    begin_secure("esp32c3", &unverified);
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(flasher_verify(f, &r), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "secure_download");
    end();
}

static void an_encrypted_board_stays_refused_in_secure_download_mode(void **state)
{
    (void)state;
    begin_secure("esp32c3", &unverified);
    m->crypt_count = 7;
    assert_int_equal(connect(), ERR_OK);
    assert_int_equal(flasher_attach(f, 0), ERR_OK);
    assert_int_equal(write_something(), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "flash_encrypted");
    end();
}

/* Every hint and every detail fits where it is kept, and ends as a sentence does. */
static void refusals_are_whole_sentences(void **state)
{
    (void)state;
    static const struct flasher_options none;
    static const struct flasher_security cases[] = {
        {.flash_encryption = true}, {.secure_boot = true}, {.secure_download = true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(security_check_write(&cases[i], &none), ERR_UNSUPPORTED);
        const struct err_info *why = err_last();
        assert_int_equal(why->detail[strlen(why->detail) - 1], '.');
        assert_int_equal(why->hint[strlen(why->hint) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_read_tells_the_chip),
        cmocka_unit_test(a_new_word_is_told_by_the_id),
        cmocka_unit_test(an_esp32_is_never_asked_what_it_does_not_know),
        cmocka_unit_test(a_damaged_first_read_is_made_up_for),
        cmocka_unit_test(nothing_is_sent_to_a_chip_that_is_not_supported),
        cmocka_unit_test(an_unsupported_chip_comes_with_the_list_of_the_others),
        cmocka_unit_test(an_open_board_is_writable),
        cmocka_unit_test(an_odd_count_of_switches_means_encryption),
        cmocka_unit_test(a_loader_that_does_not_tell_is_known_by_its_fuses),
        cmocka_unit_test(secure_boot_is_told_by_its_flag),
        cmocka_unit_test(nothing_is_written_to_a_locked_board),
        cmocka_unit_test(plain_writes_can_be_forced),
        cmocka_unit_test(a_damaged_read_neither_locks_nor_opens_a_board),
        cmocka_unit_test(in_secure_download_mode_the_chip_is_told_all_the_same),
        cmocka_unit_test(a_refusal_to_be_read_is_believed_without_a_flag),
        cmocka_unit_test(what_nobody_can_check_is_refused),
        cmocka_unit_test(what_nobody_can_check_is_written_on_demand),
        cmocka_unit_test(nothing_is_sent_compressed_where_only_little_is_known),
        cmocka_unit_test(a_check_that_cannot_be_made_is_not_passed),
        cmocka_unit_test(an_encrypted_board_stays_refused_in_secure_download_mode),
        cmocka_unit_test(refusals_are_whole_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
