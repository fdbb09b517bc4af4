/* key_trouble: firmware that cannot use the kind of private key that a credential has. Told as a
 * warning in the job's result: the credential may be meant for the firmware that comes next. */
#ifndef SERVICE_JOBS_KEY_TROUBLE_H
#define SERVICE_JOBS_KEY_TROUBLE_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/** @param version  of the firmware that will use the job's credential; "" or NULL = not known */
void key_trouble_tell(struct session *s, const char *version);
/** The same of the app in the board's flash, which is asked for its version only where the kind of
 * key may matter: a read or three. The primary table must be known.
 *  @return the flasher's errors */
enum err key_trouble_look(struct session *s);
#endif
