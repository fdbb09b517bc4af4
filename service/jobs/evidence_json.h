/* evidence_json: a verdict and what it was drawn from, as the result of a job shows it. */
#ifndef SERVICE_JOBS_EVIDENCE_JSON_H
#define SERVICE_JOBS_EVIDENCE_JSON_H

#include <jansson.h>

#include "service/jobs/verdict.h"

/** {"side","code","step","detail","fix","evidence":{…},"warnings":[…]}; the caller owns it.
 *  @param said  what the board said to the command that failed; "" for nothing
 *  @param log   what it logged, NUL-terminated */
json_t *verdict_to_json(const struct verdict *v, const struct check_evidence *e, const char *said,
                        const char *log);
#endif
