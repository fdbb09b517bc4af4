// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/base/log.h"

static int pipe_fds[2], real_stderr;
static char said[16384];

static int setup(void **state)
{
    (void)state;
    real_stderr = dup(STDERR_FILENO);
    return pipe(pipe_fds) || dup2(pipe_fds[1], STDERR_FILENO) < 0;
}

static int teardown(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    log_set_json(false);
    log_context("", "");
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

/* The one line that is there, without its end. */
static const char *line(void)
{
    ssize_t n = read(pipe_fds[0], said, sizeof said - 1);
    assert_true(n > 0 && said[n - 1] == '\n');
    said[n - 1] = '\0';
    assert_null(strchr(said, '\n'));
    return said;
}

static void a_line_has_time_level_thread_message_and_values(void **state)
{
    (void)state;
    log_warn("port gone", "port=%s n=%d", "usb1", 3);
    char thread[32], message[64], values[64];
    int y, m, d;
    assert_int_equal(sscanf(line(), "%d-%d-%dT%*2d:%*2d:%*2d.%*3dZ warn %31s %63[a-z ] %63[^\n]",
                            &y, &m, &d, thread, message, values),
                     6);
    assert_string_equal(strstr(said, "port gone"), "port gone port=usb1 n=3");
    log_error("bare", NULL);
    assert_non_null(strstr(line(), " bare"));
}

static void lines_above_the_level_are_dropped(void **state)
{
    (void)state;
    log_set_level(LOG_WARN);
    log_debug("a", NULL);
    log_info("b", NULL);
    log_warn("c", NULL);
    assert_string_equal(strrchr(line(), ' '), " c");
    log_set_level(LOG_DEBUG);
    log_debug("d", NULL);
    assert_string_equal(strrchr(line(), ' '), " d");
}

static void values_cannot_start_a_line_or_move_a_cursor(void **state)
{
    (void)state;
    log_info("m", "v=%s", "a\nerror b\r\x1b[2J\x7f");
    assert_string_equal(strstr(line(), "v="), "v=a\\x0aerror b\\x0d\\x1b[2J\\x7f");
}

static void overlong_values_are_cut_and_still_end_the_line(void **state)
{
    (void)state;
    char text[5000];
    for (int filler = 0; filler < 2; filler++) {
        memset(text, filler ? '\x01' : 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        log_info("m", "v=%s", text);
        assert_in_range(strlen(line()), 1000, 2048);
    }
}

static void the_context_is_in_every_line_of_its_thread(void **state)
{
    (void)state;
    log_context("req_1", "job_2");
    log_info("m", "k=v");
    assert_non_null(strstr(line(), " m request=req_1 job=job_2 k=v"));
    log_context("", "");
    log_info("m", NULL);
    assert_null(strstr(line(), "request="));
}

/* The line as JSON, behind its time and thread. */
static void check_json(const char *members)
{
    const char *end = strstr(line(), ",\"message\":");
    assert_non_null(end);
    assert_memory_equal(said, "{\"time\":\"2", 10);
    assert_string_equal(end + 1, members);
}

static void as_json_a_line_is_one_object(void **state)
{
    (void)state;
    log_set_json(true);
    log_context("req_1", "job_2");
    log_info("port gone", "port=%s n=%d size=%zu why=\"%s\" last=%s", "usb1", -3, (size_t)7,
             "it \"went\"", "x");
    check_json("\"message\":\"port gone\",\"request\":\"req_1\",\"job\":\"job_2\",\"port\":"
               "\"usb1\",\"n\":-3,\"size\":7,\"why\":\"it \\\"went\\\"\",\"last\":\"x\"}");
    log_context("", "");
    log_info("bare", NULL);
    check_json("\"message\":\"bare\"}");
    log_info("m", "a=\"%s\" b=%s", "", "");
    check_json("\"message\":\"m\",\"a\":\"\",\"b\":\"\"}");
}

static void a_value_cannot_become_a_member(void **state)
{
    (void)state;
    log_set_json(true);
    log_info("m", "a=\"%s\" b=%s", "x\" level=\"error\" c=1", "y\",\"d\":1");
    check_json(
        "\"message\":\"m\",\"a\":\"x\\\" level=\\\"error\\\" c=1\",\"b\":\"y\\\",\\\"d\\\":1\"}");
    log_info("m", "v=%s", "\n\x1b\x7f\xff\xc3\xa4\xe2\x82\xed\xa0\x80");
    check_json(
        "\"message\":\"m\",\"v\":\"\\u000a\\u001b\\u007f\\ufffd\xc3\xa4\\ufffd\\ufffd\\ufffd\\ufffd"
        "\\ufffd\"}");
}

static void overlong_values_are_cut_in_json_too(void **state)
{
    (void)state;
    char text[5000];
    log_set_json(true);
    memset(text, '\x01', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info("m", "v=\"%s\" w=%d", text, 1);
    const char *got = line();
    assert_true(strlen(got) > 1000);
    assert_string_equal(got + strlen(got) - 8, "\\u0001\"}");
}

static void levels_are_read_by_name(void **state)
{
    (void)state;
    const char *const names[] = {"error", "warn", "info", "debug"};
    enum log_level level;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("Info", &level));
    assert_false(log_level_parse("", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_thread_message_and_values, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(lines_above_the_level_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(values_cannot_start_a_line_or_move_a_cursor, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(overlong_values_are_cut_and_still_end_the_line, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_context_is_in_every_line_of_its_thread, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(as_json_a_line_is_one_object, setup, teardown),
        cmocka_unit_test_setup_teardown(a_value_cannot_become_a_member, setup, teardown),
        cmocka_unit_test_setup_teardown(overlong_values_are_cut_in_json_too, setup, teardown),
        cmocka_unit_test(levels_are_read_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
