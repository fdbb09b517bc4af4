#include "service/firmware/image_chip.h"

#include <string.h>

static const struct {
    const char *name;
    uint16_t id;
    uint32_t bootloader;
} rows[] = {
    {"esp32", 0, 0x1000}, {"esp32s2", 2, 0x1000},  {"esp32c3", 5, 0},  {"esp32s3", 9, 0},
    {"esp32c2", 12, 0},   {"esp32c6", 13, 0},      {"esp32h2", 16, 0}, {"esp32p4", 18, 0x2000},
    {"esp32c61", 20, 0},  {"esp32c5", 23, 0x2000},
};

const struct chip *image_chip(uint16_t chip_id)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].id == chip_id) return chip_by_name(rows[i].name);
    return NULL;
}

uint32_t image_chip_bootloader(const struct chip *chip)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(rows[i].name, chip->name)) return rows[i].bootloader;
    return 0;
}
