/* stored: what lies in the board's flash as the credential of its MQTT client, read back through
 * AT, and what can be said about it: against the job's credential, or by itself. */
#ifndef SERVICE_JOBS_STORED_H
#define SERVICE_JOBS_STORED_H

#include "service/jobs/session.h"
#include "service/pki/credential.h"

/** Read what the scheme of the job needs, compare it with s->credential where there is one, and
 * fill in s->evidence.stored.
 *  @param all  false: only the certificate, which is public and tells whose credential it is
 *  @param[out] own_out  the board's credential, when it is whole; NULL else. The caller frees it
 *  @return ERR_OK, also when the board tells nothing (STORED_NOT_READ); ERR_CANCELLED,
 * ERR_PORT_GONE */
enum err stored_judge(struct session *s, bool all, struct credential **own_out);
#endif
