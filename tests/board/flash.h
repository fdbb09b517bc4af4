/* flash: a NOR flash chip in a file. Erase sets a 4 KiB sector to 0xFF, programming only clears
 * bits. */
#ifndef TESTS_BOARD_FLASH_H
#define TESTS_BOARD_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLASH_SECTOR_BYTES = 4096, FLASH_PAGE_BYTES = 256 };

struct faults;
struct flash;

/** Open @p path, or make it (@p size bytes of 0xFF) when it is not there: *made_out says which.
 *  The file is the oracle of tests: every change is in it at once. NULL with a message on stderr on
 * failure. */
struct flash *flash_open(const char *path, uint32_t size, bool *made_out);
void flash_close(struct flash *f);

/** From now on faults of the chip apply. Borrowed. */
void flash_set_faults(struct flash *f, struct faults *faults);
/** Does it not answer? Whoever waits for it to be ready waits for ever then. */
bool flash_is_dead(const struct flash *f);

uint32_t flash_size(const struct flash *f);
/** What the chip answers to a request for its JEDEC id: maker, type, capacity. */
uint32_t flash_id(const struct flash *f);
/** Borrowed view of the whole chip; changes with every program and erase. */
const uint8_t *flash_bytes(const struct flash *f);

/** AND @p n bytes into @p at. @return false when a byte did not read back as asked (it was not
 * erased), or the range is beyond the chip (then nothing is programmed). */
bool flash_program(struct flash *f, uint32_t at, const uint8_t *data, size_t n);
/** Erase every sector that [at, at+n) touches. @return false beyond the chip. */
bool flash_erase(struct flash *f, uint32_t at, uint32_t n);

/** Typical times of the chip, for a paced board (45 ms a sector, 0.5 ms a page); 0 when pacing is
 * not full. */
void flash_set_paced(struct flash *f, bool paced);
uint64_t flash_erase_ns(const struct flash *f, uint32_t at, uint32_t n);
uint64_t flash_program_ns(const struct flash *f, size_t n);
#endif
