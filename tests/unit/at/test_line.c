/* The line machine: what it makes of awkward bytes, and that the chunking never matters. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/at/line.h"
#include "service/base/file.h"

/* Events as text, one a line, so that two runs compare with strcmp. */
static void note(struct buf *out, const struct line_event *ev)
{
    switch (ev->kind) {
    case LINE_NONE:
        return;
    case LINE_TEXT:
        buf_printf(out, "text [%s]\n", ev->text);
        return;
    case LINE_PROMPT:
        buf_puts(out, "prompt\n");
        return;
    case LINE_RAW:
        buf_printf(out, "raw [%s] %zu ", ev->text, ev->raw_len);
        for (size_t i = 0; i < ev->raw_len; i++)
            buf_printf(out, "%02x", ev->raw[i]);
        buf_puts(out, "\n");
        return;
    }
}

/* Feed one chunk to its end. */
static void feed(struct line_machine *m, const uint8_t *in, size_t n, struct buf *out)
{
    size_t at = 0;
    while (at < n) {
        size_t used = 0;
        struct line_event ev;
        enum err e = line_feed(m, in + at, n - at, &used, &ev);
        assert_true(used <= n - at);
        assert_true(used || ev.kind != LINE_NONE || e);
        at += used;
        if (e) buf_printf(out, "error %s\n", err_name(e));
        if (!e) note(out, &ev);
        if (ev.kind == LINE_PROMPT) m->prompt_expected = false;
    }
}

static void expect_events(const char *in, size_t n, bool prompt, const char *want)
{
    for (size_t chunk = 1; chunk <= n; chunk++) {
        struct line_machine m;
        struct buf out;
        line_init(&m);
        buf_init(&out, 1 << 20);
        m.prompt_expected = prompt;
        for (size_t at = 0; at < n; at += chunk)
            feed(&m, (const uint8_t *)in + at, n - at < chunk ? n - at : chunk, &out);
        assert_string_equal(buf_str(&out), want);
        buf_dispose(&out);
        line_dispose(&m);
    }
}

struct line_case {
    const char *in;
    size_t n;
    bool prompt;
    const char *want;
};
#define IN(s) s, sizeof s - 1

static void run_cases(const struct line_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_events(cases[i].in, cases[i].n, cases[i].prompt, cases[i].want);
}

static void lines_end_in_lf_or_in_a_lonely_cr(void **state)
{
    (void)state;
    static const struct line_case cases[] = {
        {IN("\r\nOK\r\n"), false, "text [OK]\n"},
        {IN("OK\n"), false, "text [OK]\n"},
        {IN("OK\r\r\n"), false, "text [OK]\n"},
        {IN("OK\rERROR\r\n"), false, "text [OK]\ntext [ERROR]\n"},
        {IN("AT\r\n\r\nOK\r\n"), false, "text [AT]\ntext [OK]\n"},
        {IN("\r\r\n\n\r\n"), false, ""},
        {IN("no end"), false, ""},
        {IN("no end yet\r"), false, ""},
        {IN("\0\0\r\nO\0K\r\0\n"), false, "text [OK]\n"},
        {IN("\xff\xfeready\r\n"), false, "text [\xff\xfeready]\n"},
    };
    run_cases(cases, sizeof cases / sizeof *cases);
}

static void a_prompt_is_one_only_when_it_is_waited_for(void **state)
{
    (void)state;
    static const struct line_case cases[] = {
        {IN(">"), true, "prompt\n"},
        {IN(">\r\n"), false, "text [>]\n"},
        {IN("\r\nOK\r\n\r\n>"), true, "text [OK]\nprompt\n"},
        {IN("WIFI GOT IP\r\n>"), true, "text [WIFI GOT IP]\nprompt\n"},
        {IN("ERR CODE:0x010a0001\r\n>"), true, "text [ERR CODE:0x010a0001]\nprompt\n"},
        {IN("a > b\r\n>"), true, "text [a > b]\nprompt\n"},
        {IN("\r>"), true, "prompt\n"},
        {IN("x\r>"), true, "text [x]\nprompt\n"},
        {IN("\xff\x81>\r\nOK\r\n"), true, "prompt\ntext [OK]\n"},
        {IN(">>\r\n"), true, "prompt\ntext [>]\n"},
    };
    run_cases(cases, sizeof cases / sizeof *cases);
}

static void counted_bytes_may_hold_anything(void **state)
{
    (void)state;
    static const struct line_case cases[] = {
        {IN("+SYSFLASH:4,\r\nOK\r\nOK\r\n"), false, "raw [+SYSFLASH:4,] 4 0d0a4f4b\ntext [OK]\n"},
        {IN("+SYSFLASH:0,\r\nOK\r\n"), false, "raw [+SYSFLASH:0,] 0 \ntext [OK]\n"},
        {IN("+SYSFLASH:3,\0>\xff\r\nOK\r\n"), true, "raw [+SYSFLASH:3,] 3 003eff\ntext [OK]\n"},
        {IN("+SYSMFG:\"bench\",\"blob1\",8,4,\r\nOK\r\n\r\nOK\r\n"), false,
         "raw [+SYSMFG:\"bench\",\"blob1\",8,4,] 4 0d0a4f4b\ntext [OK]\n"},
        {IN("+SYSMFG:\"a\",\"b\",7,0,\r\n"), false, "raw [+SYSMFG:\"a\",\"b\",7,0,] 0 \n"},
        {IN("+MQTTSUBRECV:0,\"a/b\",3,x\r\n\r\n"), false,
         "raw [+MQTTSUBRECV:0,\"a/b\",3,] 3 780d0a\n"},
        {IN("+MQTTSUBRECV:0,\"a,b\",2,xy"), false, "raw [+MQTTSUBRECV:0,\"a,b\",2,] 2 7879\n"},
        {IN("+MQTTSUBRECV:0,\"t\",0,\r\n>"), true, "raw [+MQTTSUBRECV:0,\"t\",0,] 0 \nprompt\n"},
        {IN("OK\r\n+MQTTSUBRECV:0,\"t\",1,>OK\r\n"), true,
         "text [OK]\nraw [+MQTTSUBRECV:0,\"t\",1,] 1 3e\ntext [OK]\n"},
    };
    run_cases(cases, sizeof cases / sizeof *cases);
}

static void what_only_looks_like_counted_bytes_is_a_line(void **state)
{
    (void)state;
    static const struct line_case cases[] = {
        {IN("+SYSFLASH:\"mqtt_ca\",64,13,0x3b000,0x2000\r\n"), false,
         "text [+SYSFLASH:\"mqtt_ca\",64,13,0x3b000,0x2000]\n"},
        {IN("+SYSFLASH:,\r\n"), false, "text [+SYSFLASH:,]\n"},
        {IN("x+SYSFLASH:4,\r\n"), false, "text [x+SYSFLASH:4,]\n"},
        {IN("+SYSFLASH:4x,\r\n"), false, "text [+SYSFLASH:4x,]\n"},
        {IN("+SYSMFG:\"mqtt_ca\"\r\n+SYSMFG:\"mqtt_ca\",\"mqtt_ca\",8\r\n"), false,
         "text [+SYSMFG:\"mqtt_ca\"]\ntext [+SYSMFG:\"mqtt_ca\",\"mqtt_ca\",8]\n"},
        {IN("+SYSMFG:\"factory_param\",\"uart_baudrate\",6,6,115200\r\n"), false,
         "text [+SYSMFG:\"factory_param\",\"uart_baudrate\",6,6,115200]\n"},
        {IN("+SYSMFG:\"mqtt_ca\",8,\r\n"), false, "text [+SYSMFG:\"mqtt_ca\",8,]\n"},
        {IN("+SYSMFG:8,4,\r\n"), false, "text [+SYSMFG:8,4,]\n"},
        {IN("+SYSMFG:\",8,4,\r\n"), false, "text [+SYSMFG:\",8,4,]\n"},
        {IN("+MQTTSUBRECV:0,5,\r\n"), false, "text [+MQTTSUBRECV:0,5,]\n"},
        {IN("+MQTTSUBRECV:,\"t\",5,\r\n"), false, "text [+MQTTSUBRECV:,\"t\",5,]\n"},
        {IN("+MQTTSUBRECV:0,\",5,\r\n"), false, "text [+MQTTSUBRECV:0,\",5,]\n"},
        {IN("+CWJAP:\"a\",\"b\",5,-26,0\r\n"), false, "text [+CWJAP:\"a\",\"b\",5,-26,0]\n"},
        {IN("AT+SYSFLASH=2,\"x\",0,4\r\n"), false, "text [AT+SYSFLASH=2,\"x\",0,4]\n"},
    };
    run_cases(cases, sizeof cases / sizeof *cases);
}

static void too_long_lines_and_counts_are_errors_and_the_next_line_is_whole(void **state)
{
    (void)state;
    struct line_machine m;
    struct buf in, out;
    line_init(&m);
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    buf_fill(&in, 'x', 4096);
    buf_puts(&in, "\r\nOK\r\n");
    feed(&m, in.data, in.len, &out);
    assert_non_null(strstr(buf_str(&out), "xxx]\ntext [OK]\n"));
    buf_reset(&in);
    buf_reset(&out);
    buf_fill(&in, 'x', 4097);
    buf_puts(&in, "\r\nOK\r\n+SYSFLASH:65537,\r\nOK\r\n");
    buf_puts(&in, "+SYSFLASH:99999999999999999999999,\r\nOK\r\n");
    feed(&m, in.data, in.len, &out);
    assert_string_equal(buf_str(&out), "error protocol\ntext [OK]\nerror protocol\ntext [OK]\n"
                                       "error protocol\ntext [OK]\n");
    buf_reset(&in);
    buf_reset(&out);
    buf_puts(&in, "+SYSFLASH:65536,");
    buf_fill(&in, '\n', 65536);
    buf_puts(&in, "OK\r\n");
    feed(&m, in.data, in.len, &out);
    assert_non_null(strstr(buf_str(&out), "raw [+SYSFLASH:65536,] 65536 0a0a"));
    assert_non_null(strstr(buf_str(&out), "0a0a\ntext [OK]\n"));
    buf_dispose(&in);
    buf_dispose(&out);
    line_dispose(&m);
}

/* ---- real firmware ---- */

enum chunking { WHOLE, BYTES, RANDOM };

/* Small and the same on every machine. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void feed_chunks(struct line_machine *m, const struct buf *b, enum chunking how,
                        uint32_t *seed, struct buf *out)
{
    for (size_t at = 0; at < b->len;) {
        size_t n = how == WHOLE ? b->len : how == BYTES ? 1 : 1 + next_random(seed) % 40;
        if (n > b->len - at) n = b->len - at;
        feed(m, b->data + at, n, out);
        at += n;
    }
}

static void unhex(const char *hex, struct buf *out)
{
    for (; hex[0] != '"' && hex[0]; hex += 2) {
        char two[3] = {hex[0], hex[1], 0};
        uint8_t byte = (uint8_t)strtoul(two, NULL, 16);
        buf_append(out, &byte, 1);
    }
}

static bool asks_for_data(const char *host)
{
    return strstr(host, "AT+SYSFLASH=1,") || strstr(host, "AT+SYSMFG=2,") ||
           strstr(host, "AT+MQTTPUBRAW=");
}

static void start_over(struct line_machine *m)
{
    line_dispose(m);
    line_init(m);
}

/* Replay the AT port of a transcript: what the board said between two writes of the host is one
 * piece of bytes. */
static void replay(const char *path, enum chunking how, struct buf *out)
{
    struct buf file, burst, host;
    struct line_machine m;
    uint32_t seed = 20240607;
    line_init(&m);
    buf_init(&file, 1 << 20);
    buf_init(&burst, 1 << 20);
    buf_init(&host, 1 << 20);
    assert_int_equal(file_read(path, &file), ERR_OK);
    char *save = NULL;
    for (char *l = strtok_r((char *)file.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        const char *hex = strstr(l, "\"hex\": \"");
        if (hex && !strstr(l, "\"port\": \"at\"")) continue;
        if (strstr(l, "\"dir\": \"board\"")) {
            unhex(hex + 8, &burst);
            continue;
        }
        feed_chunks(&m, &burst, how, &seed, out);
        buf_reset(&burst);
        /* The recorder lost bytes of some long messages: the rest of a count will not come. */
        start_over(&m);
        buf_reset(&host);
        if (hex) unhex(hex + 8, &host);
        if (asks_for_data(buf_str(&host))) m.prompt_expected = true;
    }
    feed_chunks(&m, &burst, how, &seed, out);
    buf_dispose(&file);
    buf_dispose(&burst);
    buf_dispose(&host);
    line_dispose(&m);
}

static size_t count(const struct buf *b, const char *what)
{
    size_t n = 0;
    for (const char *p = buf_str(b); (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

struct transcript {
    const char *path;
    size_t ok, error, prompt, raw; /* counted in the file by other means */
    const char *has;
};

/* The recorder lost bytes of long values of AT+SYSMFG: neither they nor their OK are found. */
static const struct transcript transcripts[] = {
    {"tests/data/at-transcripts/v20-basic.jsonl", 16, 13, 0, 0,
     "text [Bin version:2.0.0(WROOM-32)]\n"},
    {"tests/data/at-transcripts/v20-boot-reset.jsonl", 4, 0, 0, 0, "text [ready]\n"},
    {"tests/data/at-transcripts/v20-sysflash.jsonl", 24, 11, 9, 4,
     "raw [+SYSFLASH:49,] 49 0d0a4f4b0d0a2b4950442c353a4552524f520d0a3e0d0a72656164790d0a00ff1b2b2b"
     "2b0d0a6275737920702e2e2e0d0a\ntext [OK]\n"},
    {"tests/data/at-transcripts/v41-sysmfg-cases.jsonl", 31, 11, 4, 6,
     "raw [+SYSMFG:\"bench\",\"blob1\",8,25,] 25 "
     "0d0a4f4b0d0a0d0a4552524f520d0a3e00ff2261222c310d0a\n"
     "text [OK]\n"},
    {"tests/data/at-transcripts/v41-mqtt-plain.jsonl", 35, 4, 3, 22,
     "raw [+MQTTSUBRECV:0,\"bench/t1\",6,] 6 0d0a4f4b0d0a\n"},
    {"tests/data/at-transcripts/v41-autoconnect.jsonl", 14, 0, 0, 0, "text [WIFI GOT IP]\n"},
    {"tests/data/at-transcripts/v41-busy.jsonl", 5, 1, 0, 0, "text [busy p...]\n"},
};

static void real_firmware_gives_the_same_events_in_every_chunking(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof transcripts / sizeof *transcripts; i++) {
        const struct transcript *t = &transcripts[i];
        struct buf out[3];
        for (int how = WHOLE; how <= RANDOM; how++) {
            buf_init(&out[how], 1 << 20);
            replay(t->path, (enum chunking)how, &out[how]);
            assert_int_equal(buf_ok(&out[how]), ERR_OK);
        }
        assert_string_equal(buf_str(&out[WHOLE]), buf_str(&out[BYTES]));
        assert_string_equal(buf_str(&out[WHOLE]), buf_str(&out[RANDOM]));
        assert_int_equal(count(&out[0], "text [OK]\n"), t->ok);
        assert_int_equal(count(&out[0], "text [ERROR]\n"), t->error);
        assert_int_equal(count(&out[0], "prompt\n"), t->prompt);
        assert_int_equal(count(&out[0], "raw ["), t->raw);
        assert_non_null(strstr(buf_str(&out[0]), t->has));
        for (int how = WHOLE; how <= RANDOM; how++)
            buf_dispose(&out[how]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_lf_or_in_a_lonely_cr),
        cmocka_unit_test(a_prompt_is_one_only_when_it_is_waited_for),
        cmocka_unit_test(counted_bytes_may_hold_anything),
        cmocka_unit_test(what_only_looks_like_counted_bytes_is_a_line),
        cmocka_unit_test(too_long_lines_and_counts_are_errors_and_the_next_line_is_whole),
        cmocka_unit_test(real_firmware_gives_the_same_events_in_every_chunking),
    };
    return cmocka_run_group_tests_name("at/line", tests, NULL, NULL);
}
