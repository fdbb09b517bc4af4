/* image_chip: the chip that an image names by number, and where that chip's bootloader lies. */
#ifndef SERVICE_FIRMWARE_IMAGE_CHIP_H
#define SERVICE_FIRMWARE_IMAGE_CHIP_H

#include "service/flash/chip.h"

/** NULL when no chip has this number. */
const struct chip *image_chip(uint16_t chip_id);
uint32_t image_chip_bootloader(const struct chip *chip);
#endif
