/* firmware: runs by what its own flash says, and nothing else: partition table, application, second
 * table, factory parameters, stored settings. */
#include "tests/board/firmware/firmware.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/firmware/stock.h"

enum { TABLE_BYTES = 0xC00, USER_TABLE_BYTES = 4096 };

uint64_t firmware_takes(const struct firmware *fw, unsigned real_ms, unsigned fast_ms)
{
    bool real = fw->env.options->pace == PACE_FULL;
    return (uint64_t)(real ? real_ms : fast_ms) * 1000000u;
}

static const uint8_t *flash_at(const struct firmware *fw, uint32_t at, uint32_t n)
{
    const struct flash *f = fw->env.flash;
    if (at > flash_size(f) || n > flash_size(f) - at) return NULL;
    return flash_bytes(f) + at;
}

/* The release is what the application image says it is; an image that this program does not know is
 * taken for the release that the board was made with. */
static const struct version *release_of(const struct firmware *fw)
{
    char text[33] = "";
    const struct board_options *o = fw->env.options;
    const struct partition *app = partition_typed(&fw->primary, PARTITION_APP, 0x10);
    if (!app) app = partition_typed(&fw->primary, PARTITION_APP, 0x00);
    const uint8_t *p = app ? flash_at(fw, app->at + STOCK_APP_VERSION_AT, 32) : NULL;
    if (p) memcpy(text, p, 32);
    const struct version *v = version_of_image(o->chip, text);
    return v ? v : version_named(o->chip, o->firmware);
}

uint32_t firmware_user_table_at(const struct firmware *fw)
{
    const struct partition *p = partition_typed(&fw->primary, PARTITION_AT_USER, 0x00);
    return p ? p->at : 0;
}

static void read_tables(struct firmware *fw)
{
    const uint8_t *p = flash_at(fw, stock_build(fw->env.options->chip)->table_at, TABLE_BYTES);
    if (p) partition_read(p, TABLE_BYTES, &fw->primary);
    uint32_t user = firmware_user_table_at(fw);
    p = user ? flash_at(fw, user, USER_TABLE_BYTES) : NULL;
    if (p) partition_read(p, USER_TABLE_BYTES, &fw->user);
}

static void on_restart(void *arg)
{
    struct firmware *fw = arg;
    fw->env.reset(fw->env.board);
}

static void after_answer(void *arg)
{
    struct firmware *fw = arg;
    timer_arm(fw->restart, firmware_takes(fw, 320, 2));
}

void firmware_restart(struct firmware *fw)
{
    fw->at.ready = false;
    fw->mqtt.waiting = MQTT_WAIT_NOTHING; /* a command that was cut off says no more */
    tcpip_dispose(fw);
    wifi_down(fw);
    uart_when_sent(fw->env.at, after_answer, fw);
}

/* The application: its start takes most of the second that a real module needs. */
static void on_ready(void *arg)
{
    struct firmware *fw = arg;
    console_start(fw);
    fw->uart = fw->settings.uart;
    uart_set_baud(fw->env.at, fw->uart.baud);
    wifi_start(fw);
    at_print(fw, "\r\nready\r\n");
    fw->at.ready = true;
    console_ready(fw);
}

struct firmware *firmware_boot(const struct firmware_env *env, enum reset_cause why)
{
    struct firmware *fw = calloc(1, sizeof *fw);
    if (!fw) return NULL;
    fw->env = *env;
    fw->started_ns = loop_now_ns();
    read_tables(fw);
    fw->version = release_of(fw);
    factory_read(fw);
    if (fw->factory.uart_port == 0) fw->env.at = fw->env.log; /* one port for both */
    settings_load(env->flash, &fw->primary, fw->factory.baud, &fw->settings);
    at_init(fw);
    wifi_init(fw);
    time_init(fw, why);
    tcpip_init(fw);
    mqtt_init(fw);
    fw->ready = timer_new(env->loop, on_ready, fw);
    fw->restart = timer_new(env->loop, on_restart, fw);
    if (boot_run(fw)) timer_arm(fw->ready, firmware_takes(fw, 1000, 3));
    return fw;
}

void firmware_halt(struct firmware *fw)
{
    if (!fw) return;
    mqtt_dispose(fw);
    tcpip_dispose(fw);
    time_dispose(fw);
    wifi_dispose(fw);
    at_dispose(fw);
    timer_free(fw->ready);
    timer_free(fw->restart);
    free(fw);
}

void firmware_bytes(struct firmware *fw, const struct uart *uart, const uint8_t *data, size_t n)
{
    if (uart == fw->env.at) at_input(fw, data, n);
}
