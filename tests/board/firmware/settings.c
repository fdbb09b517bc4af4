#include "tests/board/firmware/settings.h"

#include <string.h>
#include <zlib.h>

#include "tests/board/bytes.h"
#include "tests/board/firmware/partition.h"
#include "tests/board/flash.h"

/* The record in the nvs partition: magic, the fields one after another, CRC-32 of all before it. */
enum {
    RECORD_SSID = 8,
    RECORD_PASSWORD = RECORD_SSID + 33,
    RECORD_UART = RECORD_PASSWORD + 65,
    RECORD_CRC = RECORD_UART + 10,
    RECORD_BYTES = RECORD_CRC + 4,
};
static const uint8_t record_magic[4] = {'A', 'T', 'S', '1'};

static uint32_t crc_of(const uint8_t *record)
{
    return (uint32_t)crc32(0, record, RECORD_CRC);
}

/* NULL unless the whole of [at, at+n) is on the chip. */
static const uint8_t *flash_at(const struct flash *f, uint32_t at, uint32_t n)
{
    if (at > flash_size(f) || n > flash_size(f) - at) return NULL;
    return flash_bytes(f) + at;
}

void settings_load(const struct flash *f, const struct partition_table *primary, uint32_t baud,
                   struct settings *out)
{
    memset(out, 0, sizeof *out);
    out->wifi_mode = 2;
    out->uart =
        (struct uart_config){.baud = baud, .data_bits = 8, .stop_bits = 1, .parity = 0, .flow = 1};
    const struct partition *p = partition_typed(primary, PARTITION_DATA, PARTITION_DATA_NVS);
    const uint8_t *b = p && p->size >= RECORD_BYTES ? flash_at(f, p->at, RECORD_BYTES) : NULL;
    if (!b || memcmp(b, record_magic, sizeof record_magic) != 0) return;
    if (le32_get(b + RECORD_CRC) != crc_of(b)) return;
    out->wifi_mode = b[4];
    memcpy(out->ssid, b + RECORD_SSID, sizeof out->ssid);
    memcpy(out->password, b + RECORD_PASSWORD, sizeof out->password);
    out->ssid[sizeof out->ssid - 1] = '\0';
    out->password[sizeof out->password - 1] = '\0';
    out->uart.baud = le32_get(b + RECORD_UART);
    out->uart.data_bits = b[RECORD_UART + 4];
    out->uart.stop_bits = b[RECORD_UART + 5];
    out->uart.parity = b[RECORD_UART + 6];
    out->uart.flow = b[RECORD_UART + 7];
}

void settings_store(struct flash *f, const struct partition_table *primary,
                    const struct settings *s)
{
    const struct partition *p = partition_typed(primary, PARTITION_DATA, PARTITION_DATA_NVS);
    if (!p || p->size < FLASH_SECTOR_BYTES) return;
    uint8_t b[RECORD_BYTES] = {0};
    memcpy(b, record_magic, sizeof record_magic);
    b[4] = s->wifi_mode;
    memcpy(b + RECORD_SSID, s->ssid, sizeof s->ssid);
    memcpy(b + RECORD_PASSWORD, s->password, sizeof s->password);
    le32_put(b + RECORD_UART, s->uart.baud);
    b[RECORD_UART + 4] = s->uart.data_bits;
    b[RECORD_UART + 5] = s->uart.stop_bits;
    b[RECORD_UART + 6] = s->uart.parity;
    b[RECORD_UART + 7] = s->uart.flow;
    le32_put(b + RECORD_CRC, crc_of(b));
    flash_erase(f, p->at, FLASH_SECTOR_BYTES);
    flash_program(f, p->at, b, sizeof b);
}

void settings_erase(struct flash *f, const struct partition_table *primary)
{
    const struct partition *p = partition_typed(primary, PARTITION_DATA, PARTITION_DATA_NVS);
    if (p) flash_erase(f, p->at, p->size);
}
