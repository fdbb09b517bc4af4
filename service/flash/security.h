/* security: what the fuses of a board forbid, and what follows for a plain write. */
#ifndef SERVICE_FLASH_SECURITY_H
#define SERVICE_FLASH_SECURITY_H

#include "service/base/err.h"
#include "service/flash/chip.h"
#include "service/flash/flasher.h"
#include "service/flash/rom.h"

/** Read it twice, since no answer has a checksum and a wrong one would refuse, or ruin, a board.
 *  @param sec  secure_download stays as detect_chip() found it
 *  @return ERR_OK; ERR_PROTOCOL when the two differ; errors of the ROM's commands */
enum err security_read(struct rom *r, const struct chip *chip, struct flasher_security *sec);
/** @return as flasher_check_writable() */
enum err security_check_write(const struct flasher_security *sec,
                              const struct flasher_options *options);
/** @return ERR_OK; ERR_UNSUPPORTED with code secure_download */
enum err security_check_read(const struct flasher_security *sec);
#endif
