/* console: what is printed on UART0 behind the ROM's own first lines. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

static unsigned uptime_ms(const struct firmware *fw)
{
    return (unsigned)((loop_now_ns() - fw->started_ns) / 1000000);
}

void console_print(struct firmware *fw, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    uart_send(fw->env.log, text, strlen(text));
}

void console_say(struct firmware *fw, const char *text)
{
    if (!strstr(fw->version->gmr, "(s-")) console_print(fw, "%s\r\r\n", text);
}

void console_log(struct firmware *fw, char level, const char *tag, const char *format, ...)
{
    char text[200];
    if (level == 'I' && fw->version->quiet) return;
    bool colour = fw->version->colour;
    const char *on = level == 'E' ? "\x1b[0;31m" : "\x1b[0;32m";
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    console_print(fw, "%s%c (%u) %s: %s%s\r\n", colour ? on : "", level, uptime_ms(fw), tag, text,
                  colour ? "\x1b[0m" : "");
}

void console_error(struct firmware *fw, const char *tag, const char *text)
{
    console_log(fw, 'E', tag, "%s", text);
}

/* Fields of version.start: %v version, %m module, %p transmit power, %u UART, %b its speed,
 * %t %r %c %s its pins, %o who built it, %d where its parameters are, %i milliseconds since the
 * start. */
static void put_field(struct firmware *fw, char field)
{
    const struct factory_param *f = &fw->factory;
    switch (field) {
    case 'v':
        console_print(fw, "%s", fw->version->bin);
        break;
    case 'd':
        console_print(fw, "%d", (int)fw->params);
        break;
    case 'i':
        console_print(fw, "%u", uptime_ms(fw));
        break;
    case 'm':
        console_print(fw, "%s", f->module);
        break;
    case 'o':
        console_print(fw, "%s", fw->version->origin);
        break;
    case 'p':
        console_print(fw, "%d", f->tx_power);
        break;
    case 'u':
        console_print(fw, "%d", f->uart_port);
        break;
    case 'b':
        console_print(fw, "%u", (unsigned)f->baud);
        break;
    case 't':
        console_print(fw, "%d", f->tx);
        break;
    case 'r':
        console_print(fw, "%d", f->rx);
        break;
    case 'c':
        console_print(fw, "%d", f->cts);
        break;
    case 's':
        console_print(fw, "%d", f->rts);
        break;
    default:
        break;
    }
}

/* A line behind + is for a module whose factory parameters were found, one behind - for another. */
static bool is_for(const struct firmware *fw, const char *line)
{
    return (*line != '+' && *line != '-') || (*line == '+') == fw->factory.found;
}

void console_start(struct firmware *fw)
{
    for (const char *const *line = fw->version->start; *line; line++) {
        if (!is_for(fw, *line)) continue;
        for (const char *p = *line + strspn(*line, "+-"); *p; p++) {
            if (*p == '%')
                put_field(fw, *++p);
            else
                uart_send(fw->env.log, p, 1);
        }
    }
}

void console_ready(struct firmware *fw)
{
    if (fw->version->ready) console_print(fw, "I (%u) %s\r\n", uptime_ms(fw), fw->version->ready);
}
