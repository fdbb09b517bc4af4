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
/** Back to the slot's at_baud, if need be through a reset, and never up again in this job; nothing
 * when it is there. @return as session_await_boot() */
enum err at_speed_down(struct session *s);
/** The same by words alone. @return at_uart_return()'s errors */
enum err at_speed_ask_down(struct session *s, struct deadline until);
#endif
