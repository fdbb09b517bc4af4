/* detect: which chip a loader belongs to (rom-protocol.md 7). */
#ifndef SERVICE_FLASH_DETECT_H
#define SERVICE_FLASH_DETECT_H

#include "service/base/err.h"
#include "service/flash/flasher.h"
#include "service/flash/rom.h"

/** Fills chip (supported or not) and security.secure_download. @return ERR_OK; ERR_PROTOCOL with
 * code chip_unknown: worth a second look, since a read has no checksum and bits flip; errors of
 * rom_read_reg() */
enum err detect_chip(struct rom *r, struct flasher_board *b);
#endif
