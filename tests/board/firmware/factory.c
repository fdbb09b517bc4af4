#include "tests/board/firmware/factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/firmware/firmware.h"
#include "tests/board/firmware/stock.h"

enum { PARTITION_BYTES = 88, FIRST_WITH_NVS = 310, BAUD_MIN = 80, BAUD_MAX = 5000000 };

static void set_built_in(struct firmware *fw)
{
    const struct stock_build *b = stock_build(fw->env.options->chip);
    fw->factory = (struct factory_param){.tx_power = 78,
                                         .uart_port = 1,
                                         .baud = 115200,
                                         .tx = b->pins[0],
                                         .rx = b->pins[1],
                                         .cts = b->pins[2],
                                         .rts = b->pins[3]};
    snprintf(fw->factory.module, sizeof fw->factory.module, "%s", b->module);
}

static void read_partition(struct firmware *fw, const struct partition *p)
{
    struct factory_param *out = &fw->factory;
    const struct flash *f = fw->env.flash;
    bool there = p->size >= PARTITION_BYTES && p->at <= flash_size(f) &&
                 PARTITION_BYTES <= flash_size(f) - p->at;
    const uint8_t *b = there ? flash_bytes(f) + p->at : NULL;
    if (!b || b[0] != 0xFC || b[1] != 0xFC) return;
    out->found = true;
    out->tx_power = (int8_t)b[4];
    out->uart_port = (int8_t)b[5];
    uint32_t baud = le32_get(b + 12);
    if (baud >= BAUD_MIN && baud <= BAUD_MAX) out->baud = baud;
    out->tx = (int8_t)b[16];
    out->rx = (int8_t)b[17];
    out->cts = (int8_t)b[18];
    out->rts = (int8_t)b[19];
    if (b[56] != 0xFF) {
        memcpy(out->module, b + 56, 32);
        out->module[32] = '\0';
    }
}

/* All five, or the port stays where the build has it. */
static void read_port(struct firmware *fw, unsigned space)
{
    static const char *const names[] = {"uart_tx_pin", "uart_rx_pin", "uart_cts_pin",
                                        "uart_rts_pin"};
    struct factory_param *out = &fw->factory;
    int64_t port, pin[4];
    if (!nvs_get_number(&fw->mfg, space, "uart_port", NVS_I8, &port)) return;
    for (size_t i = 0; i < 4; i++)
        if (!nvs_get_number(&fw->mfg, space, names[i], NVS_I32, &pin[i])) return;
    out->uart_port = (int8_t)port;
    out->tx = (int8_t)pin[0];
    out->rx = (int8_t)pin[1];
    out->cts = (int8_t)pin[2];
    out->rts = (int8_t)pin[3];
}

static void read_nvs(struct firmware *fw)
{
    struct factory_param *out = &fw->factory;
    unsigned space = nvs_space(&fw->mfg, "factory_param");
    int64_t power, baud;
    size_t n;
    if (!space) return;
    read_port(fw, space);
    if (nvs_get_number(&fw->mfg, space, "uart_baudrate", NVS_I32, &baud) && baud >= BAUD_MIN &&
        baud <= BAUD_MAX)
        out->baud = (uint32_t)baud;
    uint8_t *name = nvs_get(&fw->mfg, space, "module_name", NVS_STRING, &n);
    if (name && nvs_get_number(&fw->mfg, space, "max_tx_power", NVS_I8, &power)) {
        out->found = true;
        out->tx_power = (int8_t)power;
        snprintf(out->module, sizeof out->module, "%s", (const char *)name);
    }
    free(name);
}

void factory_read(struct firmware *fw)
{
    const struct partition *mfg = partition_typed(&fw->user, PARTITION_DATA, PARTITION_DATA_NVS);
    const struct partition *param = partition_named(&fw->user, "factory_param");
    set_built_in(fw);
    fw->params = PARAMS_NOWHERE;
    if (mfg && strcmp(mfg->name, "mfg_nvs") == 0 && fw->version->at_level >= FIRST_WITH_NVS) {
        if (!nvs_mount(&fw->mfg, fw->env.flash, mfg->at, mfg->size)) return;
        fw->params = PARAMS_IN_NVS;
        read_nvs(fw);
    } else if (param) {
        fw->params = PARAMS_IN_PARTITIONS;
        read_partition(fw, param);
    }
}

bool factory_port_is_wired(const struct firmware *fw)
{
    const struct board_options *o = fw->env.options;
    const struct stock_module *m = stock_module(o->chip, o->module);
    const struct factory_param *f = &fw->factory;
    if (f->uart_port == 0) return true;
    return f->uart_port == 1 && m && f->tx == m->pins[0] && f->rx == m->pins[1];
}
