/* mfg_nvs as the factory wrote it: what the tool of ESP-IDF 5.0 makes has a head on every page and
 * no page to go on with, so that the first write moves a page; the later tool leaves room. */
#include <stdio.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/firmware/nvs.h"
#include "tests/board/firmware/stock.h"
#include "tests/board/firmware/version.h"

enum { ROOMY_SINCE = 410, ENTERPRISE_SINCE = 410 };

static void put_text(struct nvs *v, unsigned space, const char *key, const char *text)
{
    nvs_put(v, space, key, NVS_STRING, (const uint8_t *)text, strlen(text) + 1);
}

static void put_number(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                       int32_t value)
{
    uint8_t bytes[4];
    le32_put(bytes, (uint32_t)value);
    nvs_put(v, space, key, type, bytes, type & 0x0F);
}

static void put_kind(struct nvs *v, const char *user, const char *part, const char *pem,
                     unsigned copies)
{
    char space[NVS_KEY_MAX + 1], key[sizeof space + 11];
    snprintf(space, sizeof space, "%s_%s", user, part);
    unsigned number = nvs_space_made(v, space);
    for (unsigned i = 0; i < copies; i++) {
        snprintf(key, sizeof key, copies > 1 ? "%s.%u" : "%s", space, i);
        nvs_put(v, number, key, NVS_BLOB_DATA, (const uint8_t *)pem, strlen(pem));
    }
}

static void put_credentials(struct nvs *v, const struct version *version)
{
    static const struct {
        const char *user;
        unsigned copies, since;
    } users[] = {{"client", 2, 0}, {"https", 2, ENTERPRISE_SINCE}, {"mqtt", 1, 0}, {"server", 1, 0},
                 {"wpa2", 1, 0},   {"wss", 2, ENTERPRISE_SINCE}};
    struct stock_credentials c;
    if (stock_credentials_make(&c) != 0) {
        fprintf(stderr, "espboard: cannot make the dummy credentials\n");
        return;
    }
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        if (users[i].since > version->at_level) continue;
        put_kind(v, users[i].user, "ca", c.ca, users[i].copies);
        put_kind(v, users[i].user, "cert", c.certificate, users[i].copies);
        put_kind(v, users[i].user, "key", c.key, users[i].copies);
    }
    stock_credentials_dispose(&c);
}

static void put_factory_param(struct nvs *v, const struct stock_module *m)
{
    static const char *const pins[] = {"uart_tx_pin", "uart_rx_pin", "uart_cts_pin",
                                       "uart_rts_pin"};
    unsigned space = nvs_space_made(v, "factory_param");
    put_number(v, space, "version", NVS_I8, 4);
    put_text(v, space, "module_name", m->name);
    put_number(v, space, "max_tx_power", NVS_I8, 78);
    put_text(v, space, "country_code", "CN");
    put_number(v, space, "start_channel", NVS_U8, 1);
    put_number(v, space, "channel_num", NVS_U8, 13);
    put_number(v, space, "uart_port", NVS_I8, 1);
    put_number(v, space, "uart_baudrate", NVS_I32, 115200);
    for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
        put_number(v, space, pins[i], NVS_I32, m->pins[i]);
}

/* Heads on all pages but the one that has to stay free, and nothing more to come on any. */
static void close_all(struct nvs *v)
{
    for (size_t i = 0; i + 1 < v->pages; i++) {
        struct nvs_page *p = &v->page[i];
        if (p->state == NVS_EMPTY) {
            p->sequence = (uint32_t)i;
            nvs_page_begin(p);
        }
        if (p->state == NVS_ACTIVE) nvs_page_set_state(p, NVS_FULL);
    }
}

void stock_put_mfg_nvs(struct flash *f, const struct stock_entry *where,
                       const struct stock_module *m, const struct version *version)
{
    static const char gatt[] = "0,16,0x2800,0x011,2,2,A002";
    struct nvs v;
    if (!nvs_mount(&v, f, where->at, where->size)) return;
    put_text(&v, nvs_space_made(&v, "ble_data"), "cfg0", gatt);
    put_credentials(&v, version);
    put_factory_param(&v, m);
    if (version->at_level < ROOMY_SINCE) close_all(&v);
}
