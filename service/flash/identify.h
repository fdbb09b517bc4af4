/* identify: what the registers and fuses of a chip in its loader tell. Reads only; each may be
 * repeated. */
#ifndef SERVICE_FLASH_IDENTIFY_H
#define SERVICE_FLASH_IDENTIFY_H

#include <stdint.h>

#include "service/base/err.h"
#include "service/flash/flasher.h"
#include "service/flash/rom.h"

/** The MAC, for which chip must be known; mac_known stays as it was. */
enum err identify_mac(struct rom *r, struct flasher_board *b);
/** MAC, revision, and the pins of a flash inside the package.
 *  @param[out] pins_out  for rom_spi_attach(); 0 = the usual ones */
enum err identify_fuses(struct rom *r, struct flasher_board *b, uint32_t *pins_out);
/** JEDEC id and size; the flash must be attached. @return ERR_DEVICE with code flash_silent when no
 * chip answers */
enum err identify_flash(struct rom *r, struct flasher_board *b);
/** The crystal: the only one there is, or from the divider that the ROM found for the present
 * speed. Stays as it was where there is no such divider: over USB, in secure download mode. */
enum err identify_crystal(struct rom *r, struct flasher_board *b);
/** What rom_change_baud() must tell the loader so that it ends at @p baud: some divide by another
 * crystal than the board has.
 *  @param[out] told_out  0 = leave the speed alone: it means nothing (USB), or nobody can know */
enum err identify_told_baud(struct rom *r, struct flasher_board *b, uint32_t baud,
                            uint32_t *told_out);
/** Bytes of a flash chip by its JEDEC id, 0 when unknown. */
uint32_t identify_flash_bytes(uint32_t flash_id);
#endif
