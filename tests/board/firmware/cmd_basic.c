#include <string.h>

#include "tests/board/firmware/commands.h"
#include "tests/board/firmware/firmware.h"

/* Heap figures of the real builds; they wander there, here they stay. */
enum { HEAP_FREE = 175188, HEAP_LOWEST = 171024 };
enum { RESTORE_MS = 160, RESTORE_FAST_MS = 2 };

void cmd_at_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_ok(fw);
}

void cmd_e0_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    fw->at.echo = false;
    at_ok(fw);
}

void cmd_e1_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    fw->at.echo = true;
    at_ok(fw);
}

void cmd_rst_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_ok(fw);
    if ((fw->wifi.mode & 2) && fw->version->ap_stop)
        console_error(fw, "event", fw->version->ap_stop);
    firmware_restart(fw);
}

void cmd_gmr_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "%sBin version:%s(%s)\r\n", fw->version->gmr, fw->version->bin,
             fw->factory.module);
    at_ok(fw);
}

void cmd_cmd_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    const struct at_command *c;
    unsigned index = 0;
    for (size_t i = 0; (c = at_command_at(i)) != NULL; i++) {
        if (c->since > fw->version->at_level) continue;
        at_print(fw, "+CMD:%u,\"AT%s\",0,%d,%d,%d\r\n", index++, c->name, c->query != NULL,
                 c->set != NULL, c->exec != NULL);
    }
    at_ok(fw);
}

static void restored(struct firmware *fw)
{
    settings_erase(fw->env.flash, &fw->primary);
    at_ok(fw);
    firmware_restart(fw);
}

void cmd_restore_exec(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_later(fw, firmware_takes(fw, RESTORE_MS, RESTORE_FAST_MS), restored);
}

/* AT+X=0 or 1 */
static void set_switch(struct firmware *fw, const struct at_args *a, bool *out)
{
    long value;
    if (a->count != 1 || !at_int(fw, a, 0, &value)) {
        at_error(fw, 0);
    } else if (value != 0 && value != 1) {
        at_error(fw, AT_ERR_VALUE);
    } else {
        *out = value != 0;
        at_ok(fw);
    }
}

void cmd_syslog_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+SYSLOG:%d\r\n", fw->at.log);
    at_ok(fw);
}

void cmd_syslog_set(struct firmware *fw, const struct at_args *a)
{
    set_switch(fw, a, &fw->at.log);
}

void cmd_sysmsg_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+SYSMSG:%u\r\n", fw->at.messages);
    at_ok(fw);
}

void cmd_sysmsg_set(struct firmware *fw, const struct at_args *a)
{
    enum { ALL_MESSAGES = 7 };
    long bits;
    if (a->count != 1 || !at_int(fw, a, 0, &bits)) {
        at_error(fw, 0);
    } else if (bits < 0 || bits > ALL_MESSAGES) {
        at_error(fw, AT_ERR_VALUE);
    } else {
        fw->at.messages = (uint8_t)bits;
        at_ok(fw);
    }
}

void cmd_sysstore_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    at_print(fw, "+SYSSTORE:%d\r\n", fw->at.store);
    at_ok(fw);
}

void cmd_sysstore_set(struct firmware *fw, const struct at_args *a)
{
    set_switch(fw, a, &fw->at.store);
}

/* No blank line before this OK on the real builds. */
void cmd_sysram_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    if (fw->version->at_level >= 210)
        at_print(fw, "+SYSRAM:%d,%d\r\nOK\r\n", HEAP_FREE, HEAP_LOWEST);
    else
        at_print(fw, "+SYSRAM:%d\r\nOK\r\n", HEAP_FREE);
    at_end(fw);
}

/* The UART divides 80 MHz by a number with four fractional bits, so the rate that it reports is a
 * little off: 115201 for 115200, 922190 for 921600. */
static uint32_t real_baud(uint32_t asked)
{
    const uint64_t clock = UINT64_C(80000000) << 4;
    uint64_t divider = clock / asked;
    return (uint32_t)(clock / divider);
}

static void print_uart(struct firmware *fw, const char *name, uint32_t baud,
                       const struct uart_config *u)
{
    at_print(fw, "+%s:%u,%u,%u,%u,%u\r\n", name, (unsigned)baud, u->data_bits, u->stop_bits,
             u->parity, u->flow);
    at_ok(fw);
}

void cmd_uart_cur_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    print_uart(fw, "UART_CUR", real_baud(fw->uart.baud), &fw->uart);
}

void cmd_uart_def_query(struct firmware *fw, const struct at_args *a)
{
    (void)a;
    print_uart(fw, "UART_DEF", fw->settings.uart.baud, &fw->settings.uart);
}

static bool read_uart(const struct at_args *a, struct uart_config *out)
{
    static const long least[] = {80, 5, 1, 0, 0}, most[] = {5000000, 8, 3, 2, 3};
    long v[5];
    if (a->count != 5) return false;
    for (size_t i = 0; i < 5; i++)
        if (args_int(a, i, &v[i]) != ARG_OK || v[i] < least[i] || v[i] > most[i]) return false;
    *out = (struct uart_config){.baud = (uint32_t)v[0],
                                .data_bits = (uint8_t)v[1],
                                .stop_bits = (uint8_t)v[2],
                                .parity = (uint8_t)v[3],
                                .flow = (uint8_t)v[4]};
    return true;
}

static void switch_speed(void *arg)
{
    struct firmware *fw = arg;
    uart_set_baud(fw->env.at, fw->uart.baud);
}

/* OK leaves at the old speed; only then the port changes. */
static void change_uart(struct firmware *fw, const struct uart_config *u)
{
    fw->uart = *u;
    at_print(fw, "\r\nOK\r\n");
    uart_when_sent(fw->env.at, switch_speed, fw);
    at_end(fw);
}

void cmd_uart_cur_set(struct firmware *fw, const struct at_args *a)
{
    struct uart_config u;
    if (read_uart(a, &u))
        change_uart(fw, &u);
    else
        at_error(fw, 0);
}

void cmd_uart_def_set(struct firmware *fw, const struct at_args *a)
{
    struct uart_config u;
    if (!read_uart(a, &u)) {
        at_error(fw, 0);
        return;
    }
    fw->settings.uart = u;
    settings_store(fw->env.flash, &fw->primary, &fw->settings);
    change_uart(fw, &u);
}
