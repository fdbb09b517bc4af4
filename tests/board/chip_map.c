/* chip_map: per chip its regions, the words that are not zero after a reset, and what its fuses
 * hold in each secure state. */
#include "tests/board/chip_map.h"

static const struct chip_region esp32_regions[] = {
    {0x3ff00000, 0x80000, REGION_REGS},
    {0x3ff80000, 0x2000, REGION_RAM},
    {0x3ffae000, 0x52000, REGION_RAM},
    {0x40000000, 0x70000, REGION_ROM},
    {0x40070000, 0x50000, REGION_RAM},
    {0x400c0000, 0x2000, REGION_RAM},
    {0x50000000, 0x2000, REGION_RAM},
    {0x60000000, 0x80000, REGION_REGS},
    {0, 0, REGION_REGS},
};
/* As read from a revision 3 chip. The ROM words are those that some host has ever asked for. */
static const struct chip_word esp32_words[] = {
    {0x40001000, 0x00f01d83}, /* tells an ESP32 */
    {0x40001010, 0xa0a28800}, /* seen as the unaligned word at 0x40001011 */
    {0x40001014, 0x00000018},
    {0x3ff5a00c, 0x00008200}, /* eFuse: revision, package */
    {0x3ff5a010, 0x00000050}, /* eFuse: clock of the internal RC */
    {0x3ff5a014, 0x00100000}, /* eFuse: revision */
    {0x3ff6607c, 0x96042000}, /* APB_CTRL date: revision */
    {0x3ff40014, 0x0000015a}, /* UART0 divider after autobaud */
    {0x3ff5f06c, 0x00028000}, /* RTC calibration: with the RC clock above, a 40 MHz crystal */
    {0, 0},
};
const struct chip_map esp32_map = {
    .regions = esp32_regions,
    .words = esp32_words,
    .fuses =
        {
            [FUSE_BOOT] = {{0x3ff5a018, 1u << 5}}, /* version 2 */
            [FUSE_ENCRYPTION] = {{0x3ff5a000, 1u << 20 | 1u << 16}, {0x3ff5a014, 0xfu << 28}},
            [FUSE_NO_DOWNLOAD] = {{0x3ff5a000, 1u << 27}},
        },
};

/* eFuse words that follow the chip's base, as most of the later chips have them. Encrypted: one bit
 * of the count, and the purpose of key 0. Secure boot: its bit, and the purpose of key 2. */
#define FUSES(base)                                                                                \
    {                                                                                              \
        [FUSE_BOOT] = {{(base) + 0x38, 1u << 20 | 9u}},                                            \
        [FUSE_ENCRYPTION] = {{(base) + 0x34, 1u << 18 | 4u << 24}},                                \
        [FUSE_DOWNLOAD] = {{(base) + 0x3c, 1u << 5}}, [FUSE_NO_DOWNLOAD] = {{(base) + 0x3c, 1u}},  \
    }

/* esptool-js asks the S2, the S3 and the H2 for words that other chips have (of the ESP32's fuses
 * and APB_CTRL, of the S3's variables), and works with them: where it asks, something answers. */
static const struct chip_region s2_regions[] = {
    {0x3f400000, 0x100000, REGION_REGS}, {0x3f500000, 0xa80000, REGION_REGS},
    {0x3ff9e000, 0x2000, REGION_RAM},    {0x3ffb0000, 0x50000, REGION_RAM},
    {0x40000000, 0x20000, REGION_ROM},   {0x40020000, 0x50000, REGION_RAM},
    {0x40070000, 0x2000, REGION_RAM},    {0x50000000, 0x2000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS}, {0, 0, REGION_REGS},
};
static const struct chip_word s2_words[] = {
    {0x40001000, 0x000007c6},
    {0x3f41a050, 0x00040000}, /* revision v1.0, no flash or PSRAM in the package */
    {0x3f41a06c, 0x00000020}, /* block 2: version 2 of the calibration */
    {0, 0},
};
const struct chip_map s2_map = {
    .regions = s2_regions,
    .words = s2_words,
    .fuses = FUSES(0x3f41a000),
};

static const struct chip_region s3_regions[] = {
    {0x3fc88000, 0x78000, REGION_RAM},
    {0x3ff00000, 0x20000, REGION_ROM},
    {0x3ff20000, 0x60000, REGION_REGS},
    {0x40000000, 0x60000, REGION_ROM},
    {0x40370000, 0x70000, REGION_RAM},
    {0x50000000, 0x2000, REGION_RAM},
    {0x60000000, 0xfe000, REGION_REGS},
    {0x600fe000, 0x2000, REGION_RAM},
    {0, 0, REGION_REGS},
};
static const struct chip_word s3_words[] = {
    {0x40001000, 0x00000009},
    {0x60007050, 0x03080000}, /* revision v0.2, block 1 version 1.3 */
    {0x6000706c, 0x00000001}, /* block 2: major version 1 */
    {0, 0},
};
const struct chip_map s3_map = {
    .regions = s3_regions,
    .words = s3_words,
    .fuses = FUSES(0x60007000),
};

static const struct chip_region c2_regions[] = {
    {0x3fca0000, 0x40000, REGION_RAM},   {0x3ff00000, 0x50000, REGION_ROM},
    {0x40000000, 0x90000, REGION_ROM},   {0x4037c000, 0x44000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS}, {0, 0, REGION_REGS},
};
static const struct chip_word c2_words[] = {
    {0x40001000, 0x6f51306f},
    {0x60008844, 0x00500000}, /* above the MAC: revision v1.0, package 1 */
    {0, 0},
};
const struct chip_map c2_map = {
    .regions = c2_regions,
    .words = c2_words,
    .fuses =
        {
            [FUSE_BOOT] = {{0x60008830, 1u << 21}},
            [FUSE_ENCRYPTION] = {{0x60008830, 1u << 7 | 1u}}, /* one key, which cannot be read */
            [FUSE_DOWNLOAD] = {{0x60008830, 1u << 16}},
            [FUSE_NO_DOWNLOAD] = {{0x60008830, 1u << 14}},
        },
};

static const struct chip_region c3_regions[] = {
    {0x3fc80000, 0x60000, REGION_RAM},
    {0x3ff00000, 0x20000, REGION_ROM},
    {0x40000000, 0x60000, REGION_ROM},
    {0x4037c000, 0x64000, REGION_RAM},
    {0x50000000, 0x2000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS},
    {0, 0, REGION_REGS},
};
static const struct chip_word c3_words[] = {
    {0x40001000, 0x1b31506f}, /* the chip of the recordings, and so are the others */
    {0x40001004, 0x0000006f}, /* the byte that an unaligned read shows */
    {0x60008850, 0x000c0000}, /* revision v0.3 */
    {0, 0},
};
const struct chip_map c3_map = {
    .regions = c3_regions,
    .words = c3_words,
    .fuses = FUSES(0x60008800),
};

static const struct chip_region c5_regions[] = {
    {0x40000000, 0x50000, REGION_ROM},
    {0x40800000, 0x60000, REGION_RAM},
    {0x50000000, 0x4000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS},
    {0, 0, REGION_REGS},
};
static const struct chip_word c5_words[] = {
    {0x40001000, 0x1101406f},
    {0x600b4848, 0xfffe0000}, /* above the MAC: what makes an EUI-64 of it */
    {0x600b484c, 0x00000010}, /* revision v1.0 */
    {0, 0},
};
const struct chip_map c5_map = {
    .regions = c5_regions,
    .words = c5_words,
    .fuses =
        {
            [FUSE_BOOT] = {{0x600b4838, 1u << 25 | 9u}},
            [FUSE_ENCRYPTION] = {{0x600b4834, 1u << 16 | 4u << 22}},
            [FUSE_DOWNLOAD] = {{0x600b483c, 1u << 5}},
            [FUSE_NO_DOWNLOAD] = {{0x600b483c, 1u}},
        },
};

static const struct chip_region c6_regions[] = {
    {0x40000000, 0x50000, REGION_ROM},
    {0x40800000, 0x80000, REGION_RAM},
    {0x50000000, 0x4000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS},
    {0, 0, REGION_REGS},
};
static const struct chip_word c6_words[] = {
    {0x40001000, 0x2ce0806f},
    {0x600b0848, 0xfffe0000},
    {0x600b0850, 0x00040000}, /* revision v0.1 */
    {0, 0},
};
const struct chip_map c6_map = {
    .regions = c6_regions,
    .words = c6_words,
    .fuses = FUSES(0x600b0800),
};

static const struct chip_region c61_regions[] = {
    {0x40000000, 0x40000, REGION_ROM},
    {0x40800000, 0x50000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS},
    {0, 0, REGION_REGS},
};
static const struct chip_word c61_words[] = {
    {0x40001000, 0x33f0206f},
    {0x600b484c, 0x00000010}, /* revision v1.0 */
    {0, 0},
};
const struct chip_map c61_map = {
    .regions = c61_regions,
    .words = c61_words,
    .fuses =
        {
            [FUSE_BOOT] = {{0x600b4834, 1u << 26 | 9u << 8}},
            [FUSE_ENCRYPTION] = {{0x600b4830, 1u << 23}, {0x600b4834, 4u}},
            [FUSE_DOWNLOAD] = {{0x600b4838, 1u << 4}},
            [FUSE_NO_DOWNLOAD] = {{0x600b4838, 1u}},
        },
};

static const struct chip_region h2_regions[] = {
    {0x3fce0000, 0x10000, REGION_REGS},  {0x40000000, 0x20000, REGION_ROM},
    {0x40800000, 0x50000, REGION_RAM},   {0x50000000, 0x1000, REGION_RAM},
    {0x60000000, 0x100000, REGION_REGS}, {0, 0, REGION_REGS},
};
static const struct chip_word h2_words[] = {
    {0x40001000, 0xd7b73e80},
    {0x600b0848, 0xfffe0000},
    {0x600b0850, 0x00040000}, /* revision v0.1 */
    {0, 0},
};
const struct chip_map h2_map = {
    .regions = h2_regions,
    .words = h2_words,
    .fuses = FUSES(0x600b0800),
};
