/* board_guard: what a job must not touch by accident on the board that it has before it. */
#ifndef SERVICE_JOBS_BOARD_GUARD_H
#define SERVICE_JOBS_BOARD_GUARD_H

#include "service/firmware/guard.h"
#include "service/jobs/place.h"
#include "service/jobs/session.h"

enum { EVERY_AREA = GUARD_BOOTLOADER | GUARD_TABLE | GUARD_NVS };

/** @param map_out  borrows from @p s */
void board_map(const struct session *s, struct place_map *map_out);
/** By both tables of the board, and by what the order's "overwrite" says. @return as guard_range()
 */
enum err board_guard_range(const struct session *s, unsigned allowed, const struct place *where);
/** The same for all that is to be written. @return as guard_content() */
enum err board_guard_content(const struct session *s, unsigned allowed, struct content *c);
/** Does a part of the credential that the board has, or may have, lie in this range? */
bool board_credential_in(const struct layout *l, uint32_t offset, uint32_t size);
#endif
