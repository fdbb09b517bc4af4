/* A board that answers AT commands with anything at all: no answer may be read beyond its bytes, be
 * taken for a value that it is not, or keep a command going for ever. The first byte chooses the
 * commands, the second how the bytes arrive. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/at/client.h"
#include "service/at/info.h"
#include "service/at/mqtt.h"
#include "service/at/net.h"
#include "service/at/sntp.h"
#include "service/at/sysflash.h"
#include "service/at/sysmfg.h"
#include "service/at/uart.h"
#include "service/at/wifi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITIONS = 8, SPACES = 8, VALUE_MAX = 4096 };

struct fuzzed {
    struct port port; /* first */
    const uint8_t *data;
    size_t size, chunk;
};

static enum err fuzzed_read(struct port *p, void *out, size_t cap, struct deadline until,
                            size_t *n_out)
{
    struct fuzzed *f = (struct fuzzed *)p;
    (void)until;
    size_t n = f->chunk;
    if (n > f->size) n = f->size;
    if (n > cap) n = cap;
    *n_out = n;
    /* Not a time-out, which would be tried again until a real clock has moved. */
    if (!n) return err_set(ERR_PORT_GONE, "no more");
    memcpy(out, f->data, n);
    f->data += n;
    f->size -= n;
    return ERR_OK;
}

static enum err fuzzed_write(struct port *p, const void *data, size_t n, struct deadline until)
{
    (void)p;
    (void)data;
    (void)n;
    (void)until;
    return ERR_OK;
}

static enum err fuzzed_baud(struct port *p, uint32_t baud)
{
    (void)p;
    (void)baud;
    return ERR_OK;
}

static enum err fuzzed_lines(struct port *p, bool dtr, bool rts)
{
    (void)p;
    (void)dtr;
    (void)rts;
    return ERR_OK;
}

static enum err fuzzed_flush(struct port *p)
{
    (void)p;
    return ERR_OK;
}

static enum err fuzzed_drain(struct port *p, struct deadline until)
{
    (void)p;
    (void)until;
    return ERR_OK;
}

static const struct port_ops ops = {.read = fuzzed_read,
                                    .write_all = fuzzed_write,
                                    .set_baud = fuzzed_baud,
                                    .set_lines = fuzzed_lines,
                                    .flush_input = fuzzed_flush,
                                    .drain = fuzzed_drain};

static struct deadline soon(void)
{
    return deadline_in_ms(1000);
}

static void who_it_is(struct at_client *c)
{
    struct at_info info;
    char mac[18];
    if (!at_info(c, &info)) assert(info.at_version[0] && strlen(info.module) < sizeof info.module);
    if (!at_mac(c, mac)) assert(strlen(mac) == 17);
}

static void partitions(struct at_client *c)
{
    struct at_partition list[PARTITIONS];
    uint8_t bytes[64];
    size_t n = 0;
    if (at_sysflash_list(c, list, PARTITIONS, &n, soon())) return;
    assert(n <= PARTITIONS);
    for (size_t i = 0; i < n; i++)
        assert(memchr(list[i].name, '\0', sizeof list[i].name));
    if (!n) return;
    struct at_transfer t = {.partition = &list[0], .n = sizeof bytes};
    (void)at_sysflash_read(c, &t, bytes, soon());
    (void)at_sysflash_erase(c, &list[0], soon());
    (void)at_sysflash_write(c, &t, bytes, soon());
}

static void manufacturing(struct at_client *c)
{
    char spaces[SPACES][SYSMFG_NAME];
    const struct at_mfg_key key = {.space = "mqtt_ca", .key = "mqtt_ca"};
    size_t n = 0;
    int type = 0;
    struct buf value;
    if (!at_sysmfg_spaces(c, spaces, SPACES, &n, soon())) assert(n <= SPACES);
    for (size_t i = 0; i < n; i++)
        assert(memchr(spaces[i], '\0', SYSMFG_NAME));
    if (!at_sysmfg_type(c, &key, &type, soon())) assert(type >= 0);
    buf_init_secret(&value, VALUE_MAX);
    if (!at_sysmfg_read(c, &key, &value, soon())) assert(value.len <= VALUE_MAX);
    (void)at_sysmfg_write(c, &key, (const uint8_t *)"ca", 2, soon());
    buf_dispose(&value);
}

static void network(struct at_client *c)
{
    struct at_wifi_state wifi;
    char address[AT_ADDRESS];
    bool stored;
    (void)at_wifi_do_not_store(c, &stored);
    (void)at_wifi_join(c, "bench", "password", soon());
    if (!at_wifi_query(c, &wifi, soon())) assert(strlen(wifi.ssid) < sizeof wifi.ssid);
    if (!at_net_resolve(c, "host", soon(), address)) assert(strlen(address) < sizeof address);
    (void)at_net_connect(c, "host", 8883, soon());
    (void)at_wifi_is_lost(c);
}

static void clock_and_speed(struct at_client *c)
{
    struct at_uart back = {.fast = 0};
    bool synced = false;
    int64_t now = 0;
    if (!at_sntp_time(c, 8, soon(), &synced, &now)) assert(!synced || now > 0);
    if (!at_sntp_sync(c, "127.0.0.1", 0, soon(), &now)) assert(now > 0);
    if (!at_uart_change(c, 921600, &back, soon())) assert(back.rest[0] == ',');
}

static void messages(struct at_client *c)
{
    const struct at_mqtt_config cfg = {.scheme = 5,
                                       .client_id = "a,b",
                                       .username = "",
                                       .password = "",
                                       .alpn = "",
                                       .sni = "host",
                                       .host = "host",
                                       .port = 8883};
    if (at_mqtt_configure(c, &cfg, soon()) || at_mqtt_connect(c, &cfg, soon())) return;
    (void)at_mqtt_subscribe(c, "t", 1, soon());
    (void)at_mqtt_publish(c, "t", 1, "hello", 5, soon());
    (void)at_mqtt_expect(c, "t", "hello", 5, soon());
    (void)at_mqtt_is_gone(c, soon());
    (void)at_mqtt_clean(c, soon());
}

static void start(struct at_client *c)
{
    if (!at_client_start(c, soon())) (void)at_command(c, soon(), "AT");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const runs[])(struct at_client *) = {
        who_it_is, partitions, manufacturing, network, clock_and_speed, messages, start};
    struct at_client *c;
    if (size < 2) return 0;
    struct fuzzed f = {.port = {.ops = &ops, .baud = 115200},
                       .data = data + 2,
                       .size = size - 2,
                       .chunk = 1 + data[1]};
    if (at_client_new(&f.port, &c)) return 0;
    runs[data[0] % (sizeof runs / sizeof *runs)](c);
    at_client_free(c);
    return 0;
}
