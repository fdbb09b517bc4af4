/* expected: what a request takes the board for, against what the board itself says. The board is
 * asked in any case; a request that contradicts it is refused, and both sides are named. */
#ifndef SERVICE_JOBS_EXPECTED_H
#define SERVICE_JOBS_EXPECTED_H

#include "service/base/err.h"
#include "service/jobs/command.h"
#include "service/pki/layout.h"

/** Does what the request says hold for a board of this layout?
 *  @return ERR_OK, also when it says nothing; ERR_CONFLICT with code layout_contradicts */
enum err expected_check(const struct command *c, const struct layout *board);
#endif
