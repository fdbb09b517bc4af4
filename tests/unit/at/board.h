/* A simulated board (build/…/espboard) for tests of service/at through the real port layer: started
 * in a folder of its own, ended by its pid, and removed. The program that includes this runs itself
 * again with the shim of tests/board preloaded, without which libserialport opens no
 * pseudo-terminal. */
#ifndef TESTS_UNIT_AT_BOARD_H
#define TESTS_UNIT_AT_BOARD_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/at/client.h"
#include "service/base/file.h"
#include "service/port/port_serial.h"

enum { BOARD_START_MS = 60000, BOARD_ARGS = 24 };

struct board {
    char dir[64], flash[96], download[96], at[96];
    pid_t pid;
    int out; /* its standard output */
    struct port *port;
    struct at_client *client;
    struct cancel cancel;
    struct buf seen; /* by the tap */
};

/* The build folder: this program is BUILD/tests/unit/at/NAME. */
static void board_build_dir(char *out, size_t cap)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    char *tests = strstr(self, "/tests/unit/");
    assert_non_null(tests);
    *tests = '\0';
    snprintf(out, cap, "%s", self);
}

/* The sanitizer's runtime has to come first in LD_PRELOAD; its path is in our own map. */
static void board_sanitizer(char *out, size_t cap)
{
    char line[PATH_MAX + 128];
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    out[0] = '\0';
    while (!out[0] && fgets(line, sizeof line, maps)) {
        char *path = strchr(line, '/');
        if (!path || (!strstr(path, "/libasan.so") && !strstr(path, "/libtsan.so"))) continue;
        path[strcspn(path, "\n")] = '\0';
        snprintf(out, cap, "%s ", path);
    }
    fclose(maps);
}

/* First thing in main(). */
static void board_preload(char **argv)
{
    if (getenv("PTYMODEM_DIR")) {
        unsetenv("LD_PRELOAD"); /* it is in; the programs started from here do not want it */
        return;
    }
    char build[PATH_MAX], sanitizer[PATH_MAX], preload[2 * PATH_MAX + 32];
    char dir[] = "/tmp/espgate-lines-XXXXXX";
    board_build_dir(build, sizeof build);
    board_sanitizer(sanitizer, sizeof sanitizer);
    snprintf(preload, sizeof preload, "%s%s/ptymodem.so", sanitizer, build);
    if (!mkdtemp(dir)) abort();
    setenv("LD_PRELOAD", preload, 1);
    setenv("PTYMODEM_DIR", dir, 1);
    execv("/proc/self/exe", argv);
    perror("execv");
    abort();
}

static void board_wait_ready(struct board *b)
{
    char said[256];
    size_t n = 0;
    while (n < sizeof said - 1 && !memchr(said, '\n', n)) {
        struct pollfd p = {.fd = b->out, .events = POLLIN};
        if (poll(&p, 1, BOARD_START_MS) <= 0) fail_msg("the board says nothing");
        ssize_t got = read(b->out, said + n, sizeof said - 1 - n);
        if (got <= 0) fail_msg("the board ended (is %s built?)", "espboard");
        n += (size_t)got;
    }
    said[n] = '\0';
    assert_string_equal(said, "espboard ready\n");
}

static void board_tap(enum port_direction dir, const uint8_t *data, size_t n, void *arg)
{
    struct board *b = arg;
    (void)dir;
    if (data) buf_append(&b->seen, data, n);
}

static void board_connect(struct board *b)
{
    enum err e = port_serial_open(b->at, 115200, &b->port);
    if (e) fail_msg("%s", err_last()->detail);
    b->port->tap = board_tap;
    b->port->tap_arg = b;
    b->port->cancel = &b->cancel;
    assert_int_equal(at_client_new(b->port, &b->client), ERR_OK);
}

static void board_disconnect(struct board *b)
{
    at_client_free(b->client);
    port_close(b->port);
    b->client = NULL;
    b->port = NULL;
}

/* @p more: further options, NULL-ended, or NULL. */
static struct board *board_start(const char *const *more)
{
    struct board *b = calloc(1, sizeof *b);
    assert_non_null(b);
    char build[PATH_MAX], program[PATH_MAX + 16];
    board_build_dir(build, sizeof build);
    snprintf(program, sizeof program, "%s/espboard", build);
    strcpy(b->dir, "/tmp/espgate-at-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->flash, sizeof b->flash, "%s/flash", b->dir);
    snprintf(b->download, sizeof b->download, "%s/download", b->dir);
    snprintf(b->at, sizeof b->at, "%s/at", b->dir);
    const char *argv[BOARD_ARGS + 1] = {"espboard",   "--firmware", "2.4",  "--flash", b->flash,
                                        "--download", b->download,  "--at", b->at};
    size_t n = 9;
    for (; more && *more && n < BOARD_ARGS; more++)
        argv[n++] = *more;
    int out[2];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* also when a test fails half-way */
        dup2(out[1], STDOUT_FILENO);
        execv(program, (char *const *)argv);
        _exit(127);
    }
    close(out[1]);
    b->out = out[0];
    board_wait_ready(b);
    assert_int_equal(cancel_init(&b->cancel), ERR_OK);
    buf_init(&b->seen, 4 << 20);
    board_connect(b);
    return b;
}

static void board_stop(struct board *b)
{
    board_disconnect(b);
    kill(b->pid, SIGTERM);
    int status = 0;
    assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(b->out);
    cancel_dispose(&b->cancel);
    buf_dispose(&b->seen);
    unlink(b->flash);
    unlink(b->download);
    unlink(b->at);
    assert_int_equal(rmdir(b->dir), 0);
    free(b);
}

/* Remove what board_preload() made. */
static void board_clean_up(void)
{
    const char *dir = getenv("PTYMODEM_DIR");
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    if (d) closedir(d);
    rmdir(dir);
}

static void board_is(enum err got, enum err want, const char *code)
{
    if (got != want)
        fail_msg("%s instead of %s: %s: %s [%s]", err_name(got), err_name(want), err_last()->code,
                 err_last()->detail, err_last()->device);
    if (got) assert_string_equal(err_last()->code, code);
}
#endif
