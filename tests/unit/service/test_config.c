/* config: defaults, the environment, the command line, and what is refused. */
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
#include <unistd.h>

#include "service/config.h"

static const char *const names[] = {"ESPGATE_LISTEN",
                                    "ESPGATE_DATA",
                                    "ESPGATE_PORTS",
                                    "ESPGATE_AUTH",
                                    "ESPGATE_ORIGINS",
                                    "ESPGATE_INSECURE",
                                    "ESPGATE_LOG_LEVEL",
                                    "ESPGATE_MAX_BODY",
                                    "ESPGATE_CLIENT_CA",
                                    "ESPGATE_LOG_FORMAT",
                                    "ESPGATE_KEEP_DAYS",
                                    "XDG_DATA_HOME",
                                    "HOME"};

static int clear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

enum { ARGS = 8 };

/* @param line  options, with blanks between them */
static enum err read_line(const char *line, struct config *out)
{
    static char text[512]; /* the configuration points into it */
    char *argv[ARGS + 1] = {(char *)(uintptr_t) "espgate"}, *rest = text, *one;
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    while ((one = strsep(&rest, " ")))
        if (*one && argc < ARGS) argv[argc++] = one;
    return config_read(argc, argv, out);
}

static void what_is_not_said_has_a_default(void **state)
{
    struct config c;
    (void)state;
    setenv("XDG_DATA_HOME", "/where/ever", 1);
    assert_int_equal(read_line("", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_SERVE);
    assert_false(c.open);
    assert_false(c.insecure);
    assert_int_equal(c.origin_count, 0);
    assert_string_equal(c.listen_address, "127.0.0.1");
    assert_int_equal(c.listen_port, 8080);
    assert_string_equal(c.data_dir, "/where/ever/espgate");
    assert_int_equal(c.port_count, 0);
    assert_int_equal(c.max_body, 67108864);
    assert_int_equal(c.log_level, LOG_INFO);
}

static void a_user_has_the_data_at_home_and_root_has_it_with_the_system(void **state)
{
    struct config c;
    (void)state;
    bool root = geteuid() == 0;
    setenv("HOME", "/home/somebody", 1);
    assert_int_equal(read_line("--auth none", &c), ERR_OK);
    assert_string_equal(c.data_dir,
                        root ? "/var/lib/espgate" : "/home/somebody/.local/share/espgate");
    if (root) assert_int_equal(seteuid(65534), 0);
    enum err e = read_line("--auth none", &c);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(e, ERR_OK);
    assert_string_equal(c.data_dir, "/home/somebody/.local/share/espgate");
}

static void the_command_line_beats_the_environment(void **state)
{
    struct config c;
    (void)state;
    setenv("ESPGATE_LISTEN", "127.0.0.2:1", 1);
    setenv("ESPGATE_AUTH", "none", 1);
    setenv("ESPGATE_ORIGINS", "https://a.example  http://b.example:81", 1);
    setenv("ESPGATE_INSECURE", "no", 1);
    setenv("ESPGATE_DATA", "/one", 1);
    setenv("ESPGATE_PORTS", "/dev/a*::/dev/b", 1);
    setenv("ESPGATE_LOG_LEVEL", "error", 1);
    setenv("ESPGATE_MAX_BODY", "2048", 1);
    assert_int_equal(read_line("--data /two --ports /dev/c --origin http://[::1]:82", &c), ERR_OK);
    assert_true(c.open);
    assert_false(c.insecure);
    assert_int_equal(c.origin_count, 3);
    assert_string_equal(c.origins[0], "https://a.example");
    assert_string_equal(c.origins[1], "http://b.example:81");
    assert_string_equal(c.origins[2], "http://[::1]:82");
    assert_string_equal(c.listen_address, "127.0.0.2");
    assert_int_equal(c.listen_port, 1);
    assert_string_equal(c.data_dir, "/two");
    assert_int_equal(c.port_count, 3);
    assert_string_equal(c.ports[0], "/dev/a*");
    assert_string_equal(c.ports[1], "/dev/b");
    assert_string_equal(c.ports[2], "/dev/c");
    assert_int_equal(c.log_level, LOG_ERROR);
    assert_int_equal(c.max_body, 2048);
    assert_int_equal(read_line("--auth token --insecure", &c), ERR_OK);
    assert_false(c.open);
    assert_true(c.insecure);
}

static void addresses_of_this_machine_are_taken(void **state)
{
    static const struct {
        const char *text, *address;
        int port;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[::1]:8081", "::1", 8081},
        {"localhost:65535", "127.0.0.1", 65535},
        {"127.9.9.9:80", "127.9.9.9", 80},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        char line[64];
        snprintf(line, sizeof line, "--auth none --listen %s", cases[i].text);
        assert_int_equal(read_line(line, &c), ERR_OK);
        assert_string_equal(c.listen_address, cases[i].address);
        assert_int_equal(c.listen_port, cases[i].port);
    }
}

static void files_for_tls_are_taken(void **state)
{
    struct config c;
    (void)state;
    assert_int_equal(read_line("--auth none", &c), ERR_OK);
    assert_null(c.tls_cert);
    assert_false(c.log_json);
    setenv("ESPGATE_CLIENT_CA", "ca.pem", 1);
    setenv("ESPGATE_LOG_FORMAT", "json", 1);
    assert_int_equal(read_line("--auth none --tls-cert a.pem --tls-key b.pem", &c), ERR_OK);
    assert_string_equal(c.tls_cert, "a.pem");
    assert_string_equal(c.tls_key, "b.pem");
    assert_string_equal(c.client_ca, "ca.pem");
    assert_true(c.log_json);
}

/* They serve nobody, so they ask for nothing but the folder. */
static void upkeep_needs_the_data_alone(void **state)
{
    struct config c;
    (void)state;
    assert_int_equal(read_line("--verify-audit --data /d", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_VERIFY_AUDIT);
    assert_string_equal(c.data_dir, "/d");
    setenv("ESPGATE_DATA", "/e", 1);
    assert_int_equal(read_line("--backup /b.db", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_BACKUP);
    assert_string_equal(c.backup_file, "/b.db");
    assert_string_equal(c.data_dir, "/e");
    setenv("ESPGATE_DATA", "", 1);
    assert_int_equal(read_line("--backup /b.db", &c), ERR_ARG);
}

static void what_has_ended_is_kept_for_days_or_for_ever(void **state)
{
    struct config c;
    (void)state;
    assert_int_equal(read_line("--auth none", &c), ERR_OK);
    assert_int_equal(c.keep_days, 90);
    setenv("ESPGATE_KEEP_DAYS", "7", 1);
    assert_int_equal(read_line("--auth none", &c), ERR_OK);
    assert_int_equal(c.keep_days, 7);
    assert_int_equal(read_line("--auth none --keep-days 0", &c), ERR_OK);
    assert_int_equal(c.keep_days, 0);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *line, *word;
    } cases[] = {
        {"--auth all", "\"all\""},
        {"--origin dashboard.example", "dashboard.example"},
        {"--origin https://dashboard.example/", "dashboard.example/"},
        {"--origin null", "null"},
        {"--auth none --listen 127.0.0.1", "ADDR:PORT"},
        {"--auth none --listen :80", "ADDR:PORT"},
        {"--auth none --listen 127.0.0.1:65536", "65536"},
        {"--auth none --listen 127.0.0.1:-1", "-1"},
        {"--auth none --max-body 1", "--max-body"},
        {"--auth none --max-body 9x", "9x"},
        {"--auth none --log-level loud", "loud"},
        {"--auth none --data", "--data"},
        {"--auth none --log-format xml", "xml"},
        {"--auth none --tls-cert a", "--tls-key"},
        {"--auth none --tls-key a", "--tls-cert"},
        {"--auth none --client-ca a", "--tls-cert"},
        {"--auth none --keep-days -1", "--keep-days"},
        {"--backup", "--backup"},
        {"--nonsense", "--nonsense"},
        {"--auth none nonsense", "nonsense"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        assert_int_equal(read_line(cases[i].line, &c), ERR_ARG);
        if (!strstr(err_last()->detail, cases[i].word))
            fail_msg("%s: \"%s\" does not name %s", cases[i].line, err_last()->detail,
                     cases[i].word);
    }
}

static void a_wrong_variable_is_named_and_does_not_hide_the_help(void **state)
{
    struct config c;
    (void)state;
    setenv("ESPGATE_LISTEN", "nowhere", 1);
    assert_int_equal(read_line("--auth none", &c), ERR_ARG);
    assert_non_null(strstr(err_last()->detail, "ESPGATE_LISTEN"));
    assert_int_equal(read_line("--help", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_HELP);
    assert_int_equal(read_line("--routes", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_ROUTES);
    assert_int_equal(read_line("--version", &c), ERR_OK);
    assert_int_equal(c.action, CONFIG_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_not_said_has_a_default, clear),
        cmocka_unit_test_setup(a_user_has_the_data_at_home_and_root_has_it_with_the_system, clear),
        cmocka_unit_test_setup(the_command_line_beats_the_environment, clear),
        cmocka_unit_test_setup(addresses_of_this_machine_are_taken, clear),
        cmocka_unit_test_setup(files_for_tls_are_taken, clear),
        cmocka_unit_test_setup(upkeep_needs_the_data_alone, clear),
        cmocka_unit_test_setup(what_has_ended_is_kept_for_days_or_for_ever, clear),
        cmocka_unit_test_setup(what_is_wrong_is_named, clear),
        cmocka_unit_test_setup(a_wrong_variable_is_named_and_does_not_hide_the_help, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
