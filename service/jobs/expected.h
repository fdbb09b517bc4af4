/* expected: what a request takes the board for, against what the board itself says. The board is
 * asked in any case; a request that contradicts it is refused, and both sides are named. */
#ifndef SERVICE_JOBS_EXPECTED_H
#define SERVICE_JOBS_EXPECTED_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/** Does what the request says hold for s->layout, which the board told?
 *  @return ERR_OK, also when it says nothing; ERR_CONFLICT with code layout_contradicts;
 * shipped_layout()'s errors */
enum err expected_check(const struct session *s);
/** The layout of the module and release that the request names.
 *  @return ERR_OK; ERR_NOT_FOUND when it names none; shipped_layout()'s errors */
enum err expected_layout(const struct session *s, struct layout *out);
#endif
