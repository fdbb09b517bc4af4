/* chip_map: the address space of each chip. */
#ifndef TESTS_BOARD_CHIP_MAP_H
#define TESTS_BOARD_CHIP_MAP_H

#include "tests/board/chip.h"

extern const struct chip_map esp32_map, s2_map, s3_map, c2_map, c3_map, c5_map, c6_map, c61_map,
    h2_map;
#endif
