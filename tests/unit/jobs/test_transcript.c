#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "service/base/limits.h"
#include "service/jobs/transcript.h"

static void say(struct transcript *t, bool from_board, const char *text)
{
    transcript_bytes(t, "at", from_board, (const uint8_t *)text, strlen(text));
}

static void render(struct transcript *t, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(transcript_render(t, out), ERR_OK);
}

/* @return lines; each must be JSON */
static size_t count_lines(struct buf *b, const char *with)
{
    size_t n = 0;
    for (char *line = (char *)b->data, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        json_t *json = json_loadb(line, (size_t)(end - line), 0, NULL);
        assert_non_null(json);
        assert_true(json_is_integer(json_object_get(json, "ms")));
        json_decref(json);
        *end = '\0';
        n += !with || strstr(line, with);
        *end = '\n';
    }
    return n;
}

static void a_burst_is_one_line(void **state)
{
    (void)state;
    struct transcript *t = transcript_new();
    struct buf out;
    buf_init(&out, 2 * LIMIT_TRANSCRIPT);
    /* Together far less than 5 ms, but a busy machine may pause between: try again then. */
    size_t lines = 2;
    for (int i = 0; i < 1000 && lines != 1; i++) {
        transcript_unref(t);
        t = transcript_new();
        say(t, false, "A");
        say(t, false, "T");
        say(t, false, "\r\n");
        render(t, &out);
        lines = count_lines(&out, NULL);
    }
    assert_int_equal(lines, 1);
    assert_non_null(
        strstr(buf_str(&out), "\"dir\":\"host\",\"port\":\"at\",\"hex\":\"41540d0a\"}"));
    buf_dispose(&out);
    transcript_unref(t);
}

static void direction_port_and_secrecy_end_a_burst(void **state)
{
    (void)state;
    struct transcript *t = transcript_new();
    struct buf out;
    buf_init(&out, 2 * LIMIT_TRANSCRIPT);
    say(t, false, "a");
    say(t, true, "b");
    transcript_bytes(t, "download", true, (const uint8_t *)"c", 1);
    transcript_bytes(t, "download", true, NULL, 5000);
    transcript_note(t, "a \"note\"\n\xff");
    say(t, false, "d");
    render(t, &out);
    assert_int_equal(count_lines(&out, NULL), 6);
    assert_non_null(strstr(buf_str(&out), "\"port\":\"download\",\"hex\":\"63\"}"));
    assert_non_null(strstr(buf_str(&out), "\"port\":\"download\",\"secret\":5000}"));
    assert_non_null(strstr(buf_str(&out), "\"note\":\"a \\\"note\\\"\\n?\"}"));
    buf_dispose(&out);
    transcript_unref(t);
}

static void long_bursts_are_split_and_nothing_is_lost(void **state)
{
    (void)state;
    struct transcript *t = transcript_new();
    struct buf out;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    buf_init(&out, 2 * LIMIT_TRANSCRIPT);
    say(t, true, text);
    render(t, &out);
    assert_int_equal(count_lines(&out, NULL), 4);
    size_t bytes = 0;
    for (const char *p = buf_str(&out); (p = strstr(p, "78")); p += 2)
        bytes++;
    assert_int_equal(bytes, 1000);
    buf_dispose(&out);
    transcript_unref(t);
}

static void head_and_tail_are_kept_and_the_gap_is_told(void **state)
{
    (void)state;
    struct transcript *t = transcript_new();
    struct buf out;
    char note[64];
    buf_init(&out, 2 * LIMIT_TRANSCRIPT);
    for (int i = 0; i < 20000; i++) {
        snprintf(note, sizeof note, "line number %05d of many", i);
        transcript_note(t, note);
    }
    render(t, &out);
    assert_true(out.len <= LIMIT_TRANSCRIPT);
    assert_true(out.len >= LIMIT_TRANSCRIPT / 2);
    assert_non_null(strstr(buf_str(&out), "line number 00000"));
    assert_non_null(strstr(buf_str(&out), "line number 00001"));
    assert_non_null(strstr(buf_str(&out), "line number 19999"));
    assert_null(strstr(buf_str(&out), "line number 10000"));
    const char *gap = strstr(buf_str(&out), " lines of the transcript were dropped here");
    assert_non_null(gap);
    while (gap[-1] != '"')
        gap--;
    size_t kept = count_lines(&out, "line number");
    assert_int_equal(kept + strtoul(gap, NULL, 10), 20000);
    buf_dispose(&out);
    transcript_unref(t);
}

static void an_empty_transcript_is_empty(void **state)
{
    (void)state;
    struct transcript *t = transcript_ref(transcript_new());
    struct buf out;
    buf_init(&out, 64);
    render(t, &out);
    assert_int_equal(out.len, 0);
    buf_dispose(&out);
    transcript_unref(t);
    transcript_unref(t);
    transcript_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_one_line),
        cmocka_unit_test(direction_port_and_secrecy_end_a_burst),
        cmocka_unit_test(long_bursts_are_split_and_nothing_is_lost),
        cmocka_unit_test(head_and_tail_are_kept_and_the_gap_is_told),
        cmocka_unit_test(an_empty_transcript_is_empty),
    };
    return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
