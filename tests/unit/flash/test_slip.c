#include "service/flash/slip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Feed @p wire in pieces of @p step; the frames that come out, joined with '|', as hex text. */
static const char *decode_all(const char *wire, size_t n, size_t cap, size_t step)
{
    static char text[512];
    uint8_t storage[64];
    struct slip_decoder d;
    slip_decoder_init(&d, storage, cap);
    text[0] = '\0';
    for (size_t at = 0; at < n;) {
        size_t piece = n - at < step ? n - at : step, used;
        bool done;
        enum err e = slip_decode(&d, (const uint8_t *)wire + at, piece, &used, &done);
        assert_in_range(used, 1, piece);
        at += used;
        if (e) strcat(text, "!");
        if (!done) continue;
        if (text[0] && text[strlen(text) - 1] != '!') strcat(text, "|");
        for (size_t i = 0; i < d.len; i++)
            sprintf(text + strlen(text), "%02x", d.frame[i]);
    }
    return text;
}

static void frames_come_out_whatever_the_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *name, *wire;
        size_t n;
        const char *frames;
    } cases[] = {
        {"plain", "\xc0\x01\x02\xc0", 4, "0102"},
        {"escapes", "\xc0\xdb\xdc\x05\xdb\xdd\xc0", 7, "c005db"},
        {"two frames", "\xc0\x01\xc0\xc0\x02\xc0", 6, "01|02"},
        {"one shared delimiter", "\xc0\x01\xc0\x02\xc0", 5, "01|02"},
        {"empty frames", "\xc0\xc0\xc0\x07\xc0\xc0", 6, "07"},
        {"text before the first delimiter", "boot\xc0\x07\xc0", 7, "07"},
        {"a frame without its end", "\xc0\x01\x02", 3, ""},
        {"bad escape costs its frame only", "\xc0\x01\xdb\x11\x02\xc0\xc0\x03\xc0", 9, "!03"},
        {"delimiter after escape ends the bad frame", "\xc0\x01\xdb\xc0\x02\xc0", 6, "!02"},
        {"too long is no truncation",
         "\xc0"
         "123456789\xc0\xc0\x07\xc0",
         14, "!07"},
        {"as long as fits",
         "\xc0"
         "12345678\xc0",
         10, "3132333435363738"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step <= cases[i].n; step++) {
            const char *got = decode_all(cases[i].wire, cases[i].n, 8, step);
            if (strcmp(got, cases[i].frames) != 0)
                fail_msg("%s in steps of %zu: %s", cases[i].name, step, got);
        }
}

static void encoding_is_what_the_sheet_says(void **state)
{
    (void)state;
    static const uint8_t data[] = {0x00, 0xc0, 0xdb, 0xdc, 0xdd, 0xc0};
    static const uint8_t want[] = {0xc0, 0x00, 0xdb, 0xdc, 0xdb, 0xdd,
                                   0xdc, 0xdd, 0xdb, 0xdc, 0xc0};
    struct buf out;
    buf_init(&out, 64);
    assert_int_equal(slip_encode(data, sizeof data, &out), ERR_OK);
    assert_int_equal(out.len, sizeof want);
    assert_memory_equal(out.data, want, sizeof want);
    buf_dispose(&out);
}

static void what_does_not_fit_is_not_encoded(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    assert_int_equal(slip_encode((const uint8_t *)"\xc0\xc0", 2, &out), ERR_TOO_LARGE);
    buf_dispose(&out);
}

static void every_byte_survives_the_round_trip(void **state)
{
    (void)state;
    uint8_t data[256], storage[256];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    struct buf wire;
    buf_init(&wire, 1024);
    assert_int_equal(slip_encode(data, sizeof data, &wire), ERR_OK);
    struct slip_decoder d;
    slip_decoder_init(&d, storage, sizeof storage);
    size_t used;
    bool done;
    assert_int_equal(slip_decode(&d, wire.data, wire.len, &used, &done), ERR_OK);
    assert_true(done);
    assert_int_equal(used, wire.len);
    assert_int_equal(d.len, sizeof data);
    assert_memory_equal(d.frame, data, sizeof data);
    buf_dispose(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_whatever_the_chunks),
        cmocka_unit_test(encoding_is_what_the_sheet_says),
        cmocka_unit_test(what_does_not_fit_is_not_encoded),
        cmocka_unit_test(every_byte_survives_the_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
