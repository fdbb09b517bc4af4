#include "tests/board/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/board/core.h"
#include "tests/board/fault.h"
#include "tests/board/loop.h"
#include "tests/board/uart.h"

enum { LINE_BYTES = 256 };

struct control {
    struct control_parts parts;
    char line[LINE_BYTES];
    size_t len;
};

typedef const char *(*command_fn)(struct control *c, const char *arg);

static struct uart *port(struct control *c, const char *name)
{
    if (strcmp(name, "download") == 0) return c->parts.download;
    return strcmp(name, "at") == 0 ? c->parts.at : NULL;
}

static const char *unplug(struct control *c, const char *arg)
{
    struct uart *u = port(c, arg);
    if (!u) return "the ports are download and at";
    uart_unplug(u);
    return NULL;
}

static const char *plug(struct control *c, const char *arg)
{
    struct uart *u = port(c, arg);
    if (!u) return "the ports are download and at";
    return uart_plug(u) ? NULL : "it cannot be plugged in";
}

static const char *power(struct control *c, const char *arg)
{
    if (strcmp(arg, "off") == 0)
        board_power_off(c->parts.board);
    else if (strcmp(arg, "on") == 0)
        board_power_on(c->parts.board, c->parts.boot_download);
    else
        return "power on or power off";
    return NULL;
}

static const char *add_fault(struct control *c, const char *arg)
{
    return faults_add(c->parts.faults, arg) ? NULL : "not understood, see --help";
}

static const char *clear_faults(struct control *c, const char *arg)
{
    (void)arg;
    faults_clear(c->parts.faults);
    return NULL;
}

static const struct {
    const char *verb;
    command_fn fn;
} commands[] = {
    {"unplug", unplug},        {"plug", plug}, {"power", power}, {"fault", add_fault},
    {"nofault", clear_faults},
};

/* @return what is wrong, NULL when it is done */
static const char *obey(struct control *c, char *line)
{
    char *arg = strchr(line, ' ');
    if (arg) *arg++ = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].verb, line) == 0) return commands[i].fn(c, arg ? arg : "");
    return "unplug, plug, power, fault or nofault";
}

static void take_lines(struct control *c)
{
    char *end = memchr(c->line, '\n', c->len);
    while (end) {
        *end = '\0';
        const char *wrong = obey(c, c->line);
        if (wrong)
            printf("error %s\n", wrong);
        else
            puts("ok");
        fflush(stdout);
        c->len -= (size_t)(end + 1 - c->line);
        memmove(c->line, end + 1, c->len);
        end = memchr(c->line, '\n', c->len);
    }
}

static void on_input(int fd, uint32_t events, void *arg)
{
    struct control *c = arg;
    (void)events;
    ssize_t n = read(fd, c->line + c->len, sizeof c->line - c->len);
    if (n <= 0) { /* nobody will say more; the board runs on */
        loop_remove_fd(c->parts.loop, fd);
        return;
    }
    c->len += (size_t)n;
    take_lines(c);
    if (c->len < sizeof c->line) return;
    c->len = 0;
    puts("error too long");
    fflush(stdout);
}

struct control *control_open(const struct control_parts *parts)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->parts = *parts;
    if (loop_add_fd(parts->loop, STDIN_FILENO, EPOLLIN, on_input, c) == 0) return c;
    fprintf(stderr, "espboard: --control: standard input: %s\n", strerror(errno));
    free(c);
    return NULL;
}

void control_close(struct control *c)
{
    if (!c) return;
    loop_remove_fd(c->parts.loop, STDIN_FILENO);
    free(c);
}
