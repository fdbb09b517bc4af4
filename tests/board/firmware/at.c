#include "tests/board/firmware/at.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/fault.h"
#include "tests/board/firmware/firmware.h"

/* From the end of a line to the first byte of its answer: quiet recordings show 2–3 ms. */
#define COMMAND_START_NS UINT64_C(2000000)
/* Lines closer than this to a "busy p..." that was printed belong to the same burst. */
#define BUSY_BURST_NS UINT64_C(3000000)
/* What malloc() has left on the module. */
enum { HEAP_BYTES = 160 * 1024 };

void at_send(struct firmware *fw, const void *data, size_t n)
{
    if (fw->at.wired) uart_send(fw->env.at, data, n);
}

void at_print(struct firmware *fw, const char *format, ...)
{
    char text[1200];
    va_list ap;
    va_start(ap, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): clang 14 misses va_start after file one
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0) return;
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    at_send(fw, text, len);
}

void at_code(struct firmware *fw, uint32_t code)
{
    if (fw->at.log && code) at_print(fw, "ERR CODE:0x%08x\r\n", code);
}

static void take_up(struct firmware *fw)
{
    struct at *at = &fw->at;
    timer_stop(at->hears);
    at->holding = false;
    size_t n = at->held_n;
    uint8_t held[AT_HELD_MAX];
    memcpy(held, at->held, n);
    at->held_n = 0;
    if (n) at_input(fw, held, n);
}

void at_end(struct firmware *fw)
{
    struct at *at = &fw->at;
    at->running = false;
    at->data_fn = NULL;
    at->want = at->got = 0;
    free(at->data);
    at->data = NULL;
    take_up(fw);
}

static void on_hears(void *arg)
{
    take_up(arg);
}

void at_deaf(struct firmware *fw, uint64_t delay_ns)
{
    fw->at.holding = true;
    timer_arm(fw->at.hears, delay_ns);
}

void at_ok(struct firmware *fw)
{
    at_print(fw, "\r\nOK\r\n");
    at_end(fw);
}

void at_error(struct firmware *fw, uint32_t code)
{
    at_code(fw, code);
    at_print(fw, "\r\nERROR\r\n");
    at_end(fw);
}

static void on_later(void *arg)
{
    struct firmware *fw = arg;
    fw->at.later_fn(fw);
}

void at_later(struct firmware *fw, uint64_t delay_ns, void (*fn)(struct firmware *fw))
{
    fw->at.later_fn = fn;
    timer_arm(fw->at.later, delay_ns);
}

bool at_collect(struct firmware *fw, size_t n, at_data_fn fn)
{
    struct at *at = &fw->at;
    if (n > HEAP_BYTES) return false;
    at->data = calloc(1, n + 1);
    if (!at->data) return false;
    at->want = n;
    at->got = 0;
    at->data_fn = fn;
    return true;
}

void at_listen(struct firmware *fw)
{
    fw->at.holding = false;
    fw->at.data_fn = NULL;
}

bool at_int(struct firmware *fw, const struct at_args *a, size_t i, long *out)
{
    if (args_int(a, i, out) == ARG_OK) return true;
    at_code(fw, AT_ERR_PARAMETER + (uint32_t)i);
    return false;
}

bool at_str(struct firmware *fw, const struct at_args *a, size_t i, char *out, size_t cap)
{
    if (args_str(a, i, out, cap) == ARG_OK) return true;
    at_code(fw, AT_ERR_PARAMETER + (uint32_t)i);
    return false;
}

static at_fn handler_of(const struct at_command *c, enum at_op op)
{
    switch (op) {
    case AT_EXEC:
        return c->exec;
    case AT_QUERY:
        return c->query;
    case AT_SET:
        return c->set;
    case AT_TEST:
        break;
    }
    return NULL;
}

static void print_busy(struct firmware *fw)
{
    at_code(fw, AT_ERR_BUSY);
    at_print(fw, "\r\nbusy p...\r\n");
}

static void execute(struct firmware *fw)
{
    struct at *at = &fw->at;
    const char *line = at->command;
    size_t n = at->command_n;
    bool at_prefix = n >= 2 && (memcmp(line, "AT", 2) == 0 || memcmp(line, "at", 2) == 0);
    if (at->command_overlong || !at_prefix) {
        at_error(fw, AT_ERR_LINE);
        return;
    }
    char name[ARGS_LINE_MAX];
    struct at_args args;
    enum at_op op = args_split(line + 2, n - 2, name, &args);
    const struct at_command *c = at_command_named(fw, name);
    if (!c) {
        at_error(fw, AT_ERR_UNKNOWN);
        return;
    }
    at_fn fn = handler_of(c, op);
    if (!fn) {
        at_error(fw, 0);
        return;
    }
    const char *fault_name = *name == '+' ? name + 1 : name;
    if (faults_hit(fw->env.faults, FAULT_AT_STALL, fault_name, at->commands)) return;
    fn(fw, &args);
}

static void on_start(void *arg)
{
    struct firmware *fw = arg;
    if (faults_hit(fw->env.faults, FAULT_BUSY, "at", ++fw->at.commands)) {
        print_busy(fw);
        at_end(fw);
        return;
    }
    execute(fw);
}

static void line_while_busy(struct firmware *fw, const char *line, size_t n)
{
    struct at *at = &fw->at;
    if (n == 6 && memcmp(line, "AT+RST", 6) == 0) {
        at_print(fw, "\r\nWill force to restart!!!\r\n");
        firmware_restart(fw);
        return;
    }
    uint64_t now = loop_now_ns();
    if (now >= at->busy_until_ns) print_busy(fw);
    at->busy_until_ns = now + BUSY_BURST_NS;
}

static void line_complete(struct firmware *fw)
{
    struct at *at = &fw->at;
    size_t n = at->overlong ? 0 : at->len - 2;
    if (at->running) {
        line_while_busy(fw, at->line, n);
    } else {
        if (at->echo && !at->overlong) at_send(fw, at->line, at->len);
        memcpy(at->command, at->line, n);
        at->command_n = n;
        at->command_overlong = at->overlong;
        at->running = true;
        timer_arm(at->start, COMMAND_START_NS);
    }
    at->len = 0;
    at->overlong = false;
    at->last = '\0';
}

static void take_line_byte(struct firmware *fw, uint8_t byte)
{
    struct at *at = &fw->at;
    bool end = at->last == '\r' && byte == '\n';
    at->last = (char)byte;
    if (at->len == sizeof at->line) at->overlong = true;
    if (!at->overlong) at->line[at->len++] = (char)byte;
    if (end) line_complete(fw);
}

static void take_held(struct at *at, const uint8_t *data, size_t n)
{
    size_t room = sizeof at->held - at->held_n;
    if (n > room) n = room; /* the UART's buffer is full: lost, as on the wire */
    memcpy(at->held + at->held_n, data, n);
    at->held_n += n;
}

void at_input(struct firmware *fw, const uint8_t *data, size_t n)
{
    struct at *at = &fw->at;
    if (!at->ready || !at->wired) return;
    while (n) {
        size_t used = 1;
        if (at->holding) {
            take_held(at, data, n);
            return;
        }
        if (at->data_fn) {
            used = n < at->want - at->got ? n : at->want - at->got;
            memcpy(at->data + at->got, data, used);
            at->got += used;
            if (at->got == at->want) {
                at->holding = true;
                at->data_fn(fw, at->data, at->want);
            }
        } else {
            take_line_byte(fw, *data);
        }
        data += used;
        n -= used;
    }
}

void at_init(struct firmware *fw)
{
    memset(&fw->at, 0, sizeof fw->at);
    fw->at.echo = true;
    fw->at.store = true;
    fw->at.wired = factory_port_is_wired(fw);
    fw->at.start = timer_new(fw->env.loop, on_start, fw);
    fw->at.later = timer_new(fw->env.loop, on_later, fw);
    fw->at.hears = timer_new(fw->env.loop, on_hears, fw);
}

void at_dispose(struct firmware *fw)
{
    timer_free(fw->at.start);
    timer_free(fw->at.later);
    timer_free(fw->at.hears);
    free(fw->at.data);
}

const struct at_command *at_command_named(const struct firmware *fw, const char *name)
{
    const struct at_command *c;
    for (size_t i = 0; (c = at_command_at(i)) != NULL; i++)
        if (c->since <= fw->version->at_level && strcmp(c->name, name) == 0) return c;
    return NULL;
}
