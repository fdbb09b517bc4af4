/* The ROM commands against recordings of the real ROMs of an ESP32 and of an ESP32-C3: each host
 * frame of a recording is made again by our functions, byte for byte, and the recorded answer is
 * judged. Then what a recording does not have: noise, echoes, late and missing answers. */
#include "service/flash/rom.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/flash/virtual_time.h"

struct bytes {
    uint8_t p[8192];
    size_t n;
};

/* A port that keeps what is sent and answers with what it was given. */
struct script {
    struct port port; /* first */
    struct bytes sent, reply;
    size_t taken;
    unsigned writes, secret_writes;
};

static struct script s;
static struct rom rom;

static enum err script_read(struct port *p, void *out, size_t cap, struct deadline until,
                            size_t *n_out)
{
    (void)p;
    size_t n = s.reply.n - s.taken;
    if (!n) {
        virtual_move_to(until.at_ns);
        return err_set(ERR_TIMEOUT, "nothing");
    }
    if (n > 7) n = 7;
    if (n > cap) n = cap;
    memcpy(out, s.reply.p + s.taken, n);
    s.taken += n;
    *n_out = n;
    virtual_move_to(virtual_ns + 1000);
    return ERR_OK;
}

static enum err script_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    (void)p;
    (void)until;
    assert_true(s.sent.n + n <= sizeof s.sent.p);
    memcpy(s.sent.p + s.sent.n, data, n);
    s.sent.n += n;
    s.writes++;
    return ERR_OK;
}

static enum err script_set_baud(struct port *p, uint32_t baud)
{
    (void)p;
    (void)baud;
    return ERR_OK;
}

static const struct port_ops script_ops = {
    .read = script_read, .write_all = script_write, .set_baud = script_set_baud};

static void tap(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    (void)n;
    (void)arg;
    if (dir == PORT_TO_BOARD && !data) s.secret_writes++;
}

static int set_up(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    s.port.ops = &script_ops;
    s.port.baud = 115200;
    s.port.tap = tap;
    rom_init(&rom, &s.port);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rom_dispose(&rom);
    return 0;
}

static void from_hex(const char *hex, struct bytes *out)
{
    for (; isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1]); hex += 2) {
        const char pair[] = {hex[0], hex[1], '\0'};
        assert_true(out->n < sizeof out->p);
        out->p[out->n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

static void answer(const char *hex)
{
    s.reply.n = s.taken = 0;
    s.sent.n = 0;
    from_hex(hex, &s.reply);
}

/* ---- recordings ---- */

/* The one frame in @p wire, unescaped; 0 when there is none or more. */
static size_t frame_of(const struct bytes *wire, uint8_t *out)
{
    size_t len = 0, frames = 0;
    for (size_t i = 1; i < wire->n; i++) {
        uint8_t c = wire->p[i];
        if (c == 0xc0) {
            frames += i + 1 == wire->n || wire->p[i + 1] == 0xc0;
            if (i + 1 < wire->n) return 0;
        } else {
            if (c == 0xdb) c = wire->p[++i] == 0xdc ? 0xc0 : 0xdb;
            out[len++] = c;
        }
    }
    return frames == 1 && len >= 8 ? len : 0;
}

static uint32_t word(const uint8_t *frame, size_t i)
{
    return le32_get(frame + 8 + 4 * i);
}

static bool is_plain_data(const uint8_t *f, size_t n)
{
    uint8_t sum = 0xef;
    for (size_t i = 24; i < n; i++)
        sum ^= f[i];
    return n >= 24 && word(f, 0) == n - 24 && le32_get(f + 4) == sum && !word(f, 2) && !word(f, 3);
}

/* Of the present chip's length, and not encrypted. */
static bool is_begin(const uint8_t *f, size_t body)
{
    return body == 4u * rom.begin_words && (body == 16 || !word(f, 4));
}

/* Do what this frame asks for by our own function. @return false when no function of ours makes
 * such a frame */
static bool repeat(const uint8_t *f, size_t n, enum err *e)
{
    struct rom_security_info info;
    uint32_t value;
    uint8_t out[64];
    size_t body = n - 8;
    if (f[0] || le16_get(f + 2) != body) return false;
    if (f[1] == 0x08 && body == 36)
        *e = rom_sync(&rom, deadline_in_ms(100));
    else if (f[1] == 0x0a && body == 4)
        *e = rom_read_reg(&rom, word(f, 0), &value);
    else if (f[1] == 0x09 && body == 16 && word(f, 2) == 0xffffffff && !word(f, 3))
        *e = rom_write_reg(&rom, word(f, 0), word(f, 1));
    else if (f[1] == 0x0d && body == 8)
        *e = rom_spi_attach(&rom, word(f, 0));
    else if (f[1] == 0x0b && body == 24)
        *e = rom_spi_set_params(&rom, word(f, 1));
    else if (f[1] == 0x02 && is_begin(f, body))
        *e = rom_flash_begin(&rom, word(f, 0), word(f, 1), word(f, 2), word(f, 3));
    else if (f[1] == 0x10 && is_begin(f, body))
        *e = rom_defl_begin(&rom, word(f, 0), word(f, 1), word(f, 2), word(f, 3));
    else if (f[1] == 0x03 && is_plain_data(f, n))
        *e = rom_flash_data(&rom, word(f, 1), f + 24, n - 24);
    else if (f[1] == 0x11 && is_plain_data(f, n))
        *e = rom_defl_data(&rom, word(f, 1), f + 24, n - 24, 0);
    else if (f[1] == 0x13 && body == 16)
        *e = rom_flash_md5(&rom, word(f, 0), word(f, 1), out);
    else if (f[1] == 0x0e && body == 8 && word(f, 1) - 1 < 64)
        *e = rom_read_flash(&rom, word(f, 0), out, word(f, 1), 1);
    else if (f[1] == 0x0f && body == 8 && !word(f, 1))
        *e = rom_change_baud(&rom, word(f, 0), word(f, 0));
    else if (f[1] == 0x14 && !body)
        *e = rom_security_info(&rom, &info);
    else
        return false;
    return true;
}

/* What the recorded answer means, read without our decoder: a foreign opcode, or the first status
 * byte. */
static enum err meaning(uint8_t asked, const struct bytes *reply)
{
    static const size_t payload[256] = {[0x13] = 32, [0x0e] = 64, [0x14] = 20};
    static uint8_t frame[8192];
    const uint8_t *f = frame_of(reply, frame) ? frame : reply->p + 1; /* SYNC: eight of them */
    if (f[1] != asked) return ERR_UNSUPPORTED;
    return f[8 + payload[f[1]]] ? ERR_DEVICE : ERR_OK;
}

static bool check_exchange(const struct bytes *host, const struct bytes *board)
{
    static uint8_t frame[8192];
    size_t n = frame_of(host, frame);
    enum err e;
    s.sent.n = s.taken = 0;
    s.reply = *board;
    rom_forget(&rom);
    if (!n || !board->n || board->p[0] != 0xc0 || board->p[1] != 0x01 || !repeat(frame, n, &e))
        return false;
    assert_int_equal(s.sent.n, host->n);
    assert_memory_equal(s.sent.p, host->p, host->n);
    assert_int_equal(e, meaning(frame[1], board));
    return true;
}

static unsigned replay(const char *name, uint8_t begin_words)
{
    char path[128];
    static char line[32768];
    static struct bytes host, board;
    unsigned checked = 0;
    rom.begin_words = begin_words;
    snprintf(path, sizeof path, "tests/data/rom-transcripts/%s.jsonl", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    host.n = board.n = 0;
    while (fgets(line, sizeof line, f)) {
        const char *hex = strstr(line, "\"hex\": \"");
        if (!hex) continue;
        bool from_host = strstr(line, "\"dir\": \"host\"");
        if (from_host && host.n) checked += check_exchange(&host, &board);
        if (from_host) host.n = board.n = 0;
        from_hex(hex + 8, from_host ? &host : &board);
    }
    fclose(f);
    return checked + check_exchange(&host, &board);
}

static void our_frames_and_their_answers_are_those_of_the_recordings(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned exchanges;
        uint8_t begin_words;
    } files[] = {
        {"rom-write-raw", 18, 4},      {"rom-errors-data", 24, 4},
        {"rom-errors-begin", 21, 4},   {"rom-connect", 16, 4},
        {"rom-baud", 17, 4},           {"rom-end-reset", 8, 4},
        {"rom-write-deflate", 28, 4},  {"rom-errors-deflate", 49, 4},
        {"rom-deflate-safe", 47, 4},   {"rom-deflate-overrun", 33, 4},
        {"c3-connect", 17, 5},         {"c3-write-raw", 23, 5},
        {"c3-errors", 46, 5},          {"c3-deflate-safe", 48, 5},
        {"c3-deflate-overrun", 43, 5},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unsigned checked = replay(files[i].name, files[i].begin_words);
        if (checked < files[i].exchanges) fail_msg("%s: only %u exchanges", files[i].name, checked);
    }
}

/* ---- what a line does ---- */

static const char reg_ok[] = "c0010a0400831df00000053437c0";

static void only_the_first_status_byte_counts(void **state)
{
    (void)state;
    uint32_t v;
    answer(reg_ok); /* 00 05 34 37 */
    assert_int_equal(rom_read_reg(&rom, 0x40001000, &v), ERR_OK);
    assert_int_equal(v, 0x00f01d83);
}

static void noise_and_stale_answers_are_passed_over(void **state)
{
    (void)state;
    static const char *const before[] = {
        "",
        "626f6f74210d0a",                     /* boot text */
        "c00108040007071220000000c0",         /* short of a byte */
        "c0010804000707122000000000c0",       /* an old SYNC answer */
        "c0c0c0c0",                           /* empty frames */
        "c0010ac0",                           /* too short */
        "c0010a040083db11f00000053437c0",     /* bad escape */
        "c0010a0500831df00000053437c0",       /* a size that is not its own */
        "c0000a04000000000000100040c0",       /* our own frame, bridged */
        "c0010804000707122000000000c0626f6f", /* and both */
    };
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        char hex[256];
        uint32_t v = 0;
        snprintf(hex, sizeof hex, "%s%s", before[i], reg_ok);
        answer(hex);
        rom_forget(&rom);
        enum err e = rom_read_reg(&rom, 0x40001000, &v);
        if (e || v != 0x00f01d83) fail_msg("case %zu: %s", i, err_last()->detail);
    }
}

static void a_refusal_keeps_its_code(void **state)
{
    (void)state;
    answer("c0010204000707122001060000c0");
    assert_int_equal(rom_flash_begin(&rom, 0x1000, 1, 0x1000, 0x400000), ERR_DEVICE);
    assert_string_equal(err_last()->code, "rom_refused");
    assert_int_equal(strncmp(err_last()->device, "\\x01\\x0", 7), 0);
    assert_non_null(strstr(err_last()->detail, "01 06"));
    assert_int_equal(rom.last_error, 6);
}

static void a_foreign_01_05_means_unsupported_and_its_copies_are_dropped(void **state)
{
    (void)state;
    char hex[512] = "";
    uint32_t v;
    for (int i = 0; i < 8; i++)
        strcat(hex, "c0010804000707122001050000c0");
    answer(hex);
    assert_int_equal(rom_read_reg(&rom, 0x40001000, &v), ERR_UNSUPPORTED);
    assert_string_equal(err_last()->code, "rom_unsupported");
    assert_int_equal(s.taken, s.reply.n);
}

static void security_info_comes_long_or_short(void **state)
{
    (void)state;
    struct rom_security_info info;
    answer("c001141800071220070500000003000000000000000d0000000000000000000000c0");
    assert_int_equal(rom_security_info(&rom, &info), ERR_OK);
    assert_int_equal(info.bytes, 20);
    assert_int_equal(info.flags, 5);
    assert_int_equal(info.crypt_count, 3);
    assert_int_equal(info.chip_id, 13);
    answer("c0011410000712200704000000070000000000000000000000c0");
    assert_int_equal(rom_security_info(&rom, &info), ERR_OK);
    assert_int_equal(info.bytes, 12);
    assert_int_equal(info.flags, 4);
    assert_int_equal(info.crypt_count, 7);
    assert_int_equal(info.chip_id, 0);
    answer("c0011404000712200700000000c0"); /* a success without any of it */
    assert_int_equal(rom_security_info(&rom, &info), ERR_PROTOCOL);
    answer("c0011404000712200701050000c0"); /* not allowed, under its own opcode */
    enum err e = rom_security_info(&rom, &info);
    assert_int_equal(e, ERR_DEVICE);
    assert_true(rom_is_unsupported(&rom, e));
    assert_false(rom_is_unsupported(&rom, ERR_TIMEOUT));
    answer("c0011404000712200701070000c0");
    assert_false(rom_is_unsupported(&rom, rom_security_info(&rom, &info)));
}

static void an_echo_alone_is_told(void **state)
{
    (void)state;
    uint32_t v;
    answer("c0000a04000000000000100040c0");
    assert_int_equal(rom_read_reg(&rom, 0x40001000, &v), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "rom_echo");
}

static void a_failed_md5_is_an_error_though_a_digest_came(void **state)
{
    (void)state;
    uint8_t md5[MD5_BYTES];
    answer(
        "c00113240007071220646561636338356163343331313938396464666638333365643633353563666401090000"
        "c0");
    assert_int_equal(rom_flash_md5(&rom, 0x3ff000, 0x2000, md5), ERR_DEVICE);
    answer("c0011304000707122001090000c0"); /* without one */
    assert_int_equal(rom_flash_md5(&rom, 0x3ff000, 0x2000, md5), ERR_DEVICE);
    answer("c0011304000707122000000000c0"); /* success, but where is it? */
    assert_int_equal(rom_flash_md5(&rom, 0x3ff000, 0x2000, md5), ERR_PROTOCOL);
    answer(
        "c00113240007071220646561636338356163343331313938396464666638333365643633353563666700000000"
        "c0"); /* a 'g' */
    assert_int_equal(rom_flash_md5(&rom, 0x3ff000, 0x2000, md5), ERR_PROTOCOL);
}

static void sync_takes_its_eight_answers_and_no_time(void **state)
{
    (void)state;
    char hex[512] = "";
    for (int i = 0; i < 8; i++)
        strcat(hex, "c0010804000707122000000000c0");
    answer(hex);
    int64_t start = virtual_ns;
    assert_int_equal(rom_sync(&rom, deadline_in_ms(500)), ERR_OK);
    assert_int_equal(s.taken, s.reply.n);
    assert_in_range(virtual_ns - start, 0, 1000000);
    assert_int_equal(s.writes, 1);
}

static void sync_is_sent_until_the_deadline(void **state)
{
    (void)state;
    int64_t start = virtual_ns;
    answer("");
    assert_int_equal(rom_sync(&rom, deadline_in_ms(500)), ERR_TIMEOUT);
    assert_int_equal(s.writes, 5);
    assert_in_range((virtual_ns - start) / 1000000, 500, 501);
    assert_int_equal(rom.commands, 5);
}

static int64_t wait_of(enum err (*call)(void))
{
    int64_t start = virtual_ns;
    answer("");
    rom_forget(&rom);
    assert_int_equal(call(), ERR_TIMEOUT);
    return (virtual_ns - start) / 1000000;
}

static enum err small_begin(void)
{
    return rom_flash_begin(&rom, 0x2000, 1, 0x1000, 0x34000);
}

static enum err large_begin(void)
{
    return rom_flash_begin(&rom, 1000000, 245, 0x1000, 0x100000);
}

static enum err register_read(void)
{
    uint32_t v;
    return rom_read_reg(&rom, 0x3ff00000, &v);
}

static enum err large_md5(void)
{
    uint8_t md5[MD5_BYTES];
    return rom_flash_md5(&rom, 0, 4000000, md5);
}

static enum err data_block(void)
{
    static const uint8_t block[0x1000];
    return rom_flash_data(&rom, 0, block, sizeof block);
}

static enum err packed_block(void)
{
    static const uint8_t block[0x1000];
    return rom_defl_data(&rom, 0, block, sizeof block, 1000000);
}

static enum err packed_begin(void)
{
    return rom_defl_begin(&rom, 64 * 1024, 5, 0x1000, 0x10000);
}

static enum err new_speed(void)
{
    return rom_change_baud(&rom, 921600, 921600);
}

static void waits_grow_with_the_work(void **state)
{
    (void)state;
    assert_int_equal(wait_of(small_begin), 3000);
    assert_int_equal(wait_of(large_begin), 100000);
    assert_int_equal(wait_of(register_read), 3000);
    assert_int_equal(wait_of(large_md5), 32000);
    assert_int_equal(wait_of(data_block), 3000 + 4096 * 10 * 1000 / 115200);
    assert_int_equal(wait_of(packed_begin), 6553);
    assert_int_equal(wait_of(packed_block), 12000 + 4096 * 10 * 1000 / 115200);
    assert_int_equal(wait_of(new_speed), 1000);
    rom.until = deadline_in_ms(700);
    assert_int_equal(wait_of(large_begin), 700);
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *code, *said, *hint;
    } cases[] = {{"05", "sequence", "cable"},      {"06", "address", "flash size"},
                 {"07", "checksum", "cable"},      {"08", "reads back", "power supply"},
                 {"09", "could not be read", ""},  {"0b", "cannot be unpacked", "cable"},
                 {"0c", "wrong checksum", "cable"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char hex[64];
        snprintf(hex, sizeof hex, "c0011104000707122001%s0000c0", cases[i].code);
        answer(hex);
        assert_int_equal(packed_block(), ERR_DEVICE);
        assert_non_null(strstr(err_last()->detail, cases[i].said));
        assert_non_null(strstr(err_last()->hint, cases[i].hint));
        assert_int_equal(rom_is_wire_error(rom.last_error), !strcmp(cases[i].hint, "cable"));
    }
}

static void the_fifth_word_is_for_later_chips_only(void **state)
{
    (void)state;
    rom.begin_words = 5;
    answer("c0010204000707122000000000c0");
    assert_int_equal(small_begin(), ERR_OK);
    assert_int_equal(s.sent.n, 1 + 8 + 20 + 1);
    assert_int_equal(s.sent.p[3], 20);
}

static void secret_blocks_pass_the_tap_unseen(void **state)
{
    (void)state;
    rom.secret = true;
    answer("c0010304000707122000000000c0");
    assert_int_equal(data_block(), ERR_OK);
    assert_int_equal(s.secret_writes, 1);
    answer("c0010204000707122000000000c0");
    assert_int_equal(small_begin(), ERR_OK); /* there is nothing secret in it */
    assert_int_equal(s.secret_writes, 1);
    answer("c0011104000707122000000000c0");
    assert_int_equal(packed_block(), ERR_OK);
    assert_int_equal(s.secret_writes, 2);
}

static void a_slow_read_gives_what_was_asked_for(void **state)
{
    (void)state;
    char hex[256] = "c0010e440007071220";
    uint8_t out[5] = {0};
    for (int i = 0; i < 64; i++)
        sprintf(hex + strlen(hex), "%02x", i + 1);
    strcat(hex, "00000000c0");
    answer(hex);
    assert_int_equal(rom_read_flash(&rom, 0x8001, out, 4, 1), ERR_OK);
    assert_memory_equal(out, "\1\2\3\4\0", 5);
    assert_int_equal(rom_read_flash(&rom, 0x8001, out, 4, 0), ERR_ARG);
    assert_int_equal(rom_read_flash(&rom, 0x8001, out, 4, ROM_READ_AHEAD + 1), ERR_ARG);
}

static void reads_are_asked_for_ahead_and_put_in_order(void **state)
{
    (void)state;
    static char hex[4096];
    uint8_t out[300];
    hex[0] = '\0';
    for (int i = 0; i < 300; i += 64) {
        strcat(hex, "c0010e440007071220");
        for (int k = i; k < i + 64; k++)
            sprintf(hex + strlen(hex), "%02x", k % 177); /* nothing to escape */
        strcat(hex, "00000000c0");
    }
    answer(hex);
    assert_int_equal(rom_read_flash(&rom, 0x10001, out, sizeof out, 3), ERR_OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(out[i], i % 177);
    assert_int_equal(s.writes, 5);
    assert_int_equal(s.sent.p[4 * 18 + 13], 44); /* the last asks for what is left */
    answer(hex);
    s.reply.n -= 2 * 78; /* two answers are lost */
    assert_int_equal(rom_read_flash(&rom, 0x10001, out, sizeof out, 3), ERR_TIMEOUT);
    assert_int_equal(s.writes, 10);
}

static void note_moment(void *arg)
{
    *(size_t *)arg = s.taken;
}

static void there_is_time_while_a_block_is_on_the_wire(void **state)
{
    (void)state;
    size_t taken = 99;
    rom.meanwhile = note_moment;
    rom.meanwhile_arg = &taken;
    answer("c0010204000707122000000000c0");
    assert_int_equal(small_begin(), ERR_OK);
    assert_int_equal(taken, 99);
    answer("c0010304000707122000000000c0");
    assert_int_equal(data_block(), ERR_OK);
    assert_int_equal(taken, 0);
}

static void everything_received_is_kept_for_the_one_who_asks(void **state)
{
    (void)state;
    struct buf heard;
    uint32_t v;
    buf_init(&heard, 20);
    rom.heard = &heard;
    answer("626f6f74210d0a");
    assert_int_equal(rom_read_reg(&rom, 0x40001000, &v), ERR_TIMEOUT);
    assert_string_equal(buf_str(&heard), "boot!\r\n");
    answer(reg_ok); /* too much for it, and no harm done */
    assert_int_equal(rom_read_reg(&rom, 0x40001000, &v), ERR_OK);
    buf_dispose(&heard);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(our_frames_and_their_answers_are_those_of_the_recordings),
        TEST(only_the_first_status_byte_counts),
        TEST(noise_and_stale_answers_are_passed_over),
        TEST(a_refusal_keeps_its_code),
        TEST(a_refusal_says_what_to_do),
        TEST(a_foreign_01_05_means_unsupported_and_its_copies_are_dropped),
        TEST(security_info_comes_long_or_short),
        TEST(an_echo_alone_is_told),
        TEST(a_failed_md5_is_an_error_though_a_digest_came),
        TEST(sync_takes_its_eight_answers_and_no_time),
        TEST(sync_is_sent_until_the_deadline),
        TEST(waits_grow_with_the_work),
        TEST(the_fifth_word_is_for_later_chips_only),
        TEST(secret_blocks_pass_the_tap_unseen),
        TEST(a_slow_read_gives_what_was_asked_for),
        TEST(reads_are_asked_for_ahead_and_put_in_order),
        TEST(there_is_time_while_a_block_is_on_the_wire),
        TEST(everything_received_is_kept_for_the_one_who_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
