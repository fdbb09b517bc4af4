/* codes: the numbers of "ERR CODE:0x…" in words. Pure. */
#ifndef SERVICE_AT_CODES_H
#define SERVICE_AT_CODES_H

#include <stdint.h>

enum at_code {
    AT_CODE_UNKNOWN_COMMAND = 0x01090000,
    AT_CODE_BUSY = 0x010b0000,
    AT_CODE_NOTHING_TO_CLEAN = 0x010a6003,
};

/** What @p code means, as the end of a sentence; never NULL. The extension of 0x010axxxx belongs to
 * the command family, so the same number can mean one thing to SYSFLASH and nothing to others. */
const char *at_code_words(uint32_t code);
#endif
