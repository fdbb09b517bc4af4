/* fields: bits of a chip's registers. Each register is read once, however many of its bits are
 * asked for; after an error every field is 0, so that a chain of them is tested once, at its end.
 */
#ifndef SERVICE_FLASH_FIELDS_H
#define SERVICE_FLASH_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"
#include "service/flash/chip.h"
#include "service/flash/rom.h"

enum { FIELDS_REGISTERS = 8 };

/** Begin with { .rom = r } and the rest 0. */
struct fields {
    struct rom *rom;
    enum err error; /* of the first read that failed */
    size_t n;
    uint32_t reg[FIELDS_REGISTERS], value[FIELDS_REGISTERS];
};

/** The bits of @p at; 0 when the chip has no such field. */
uint32_t fields_get(struct fields *f, struct chip_field at);
#endif
