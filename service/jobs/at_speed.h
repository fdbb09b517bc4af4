/* at_speed: the speed of the AT port while much passes through it. Only a slot that can pull EN
 * makes it faster: a board that is deaf at the faster speed would stay so until somebody takes its
 * power away. */
#ifndef SERVICE_JOBS_AT_SPEED_H
#define SERVICE_JOBS_AT_SPEED_H

#include <stddef.h>

#include "service/jobs/session.h"

/** Take the AT port to the slot's flash_baud, if that is worth it.
 *  @param bytes  that will pass, both ways together
 *  @return ERR_OK, also where the speed stays as it is, or another one does not work; an error when
 * the board was lost */
enum err at_speed_up(struct session *s, size_t bytes);
/** Back to the slot's at_baud, by words or through a reset, and never up again in this job; nothing
 * when it is there. An exchange that was cut is over then.
 *  @return ERR_OK; ERR_TIMEOUT with code at_speed_lost; port errors */
enum err at_speed_down(struct session *s, struct deadline until);
#endif
