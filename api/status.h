/* status: what an error of the service means in HTTP. The only such mapping. */
#ifndef API_STATUS_H
#define API_STATUS_H

#include "service/base/err.h"

/** The status of an error: by its code where that says more than its kind, else by its kind. */
int status_of(const struct err_info *e);
/** The same where the client's bytes were read well but cannot be used (a certificate, an image, a
 * table): what the service says about them is 422, not 400 or a fault of ours. */
int status_of_content(const struct err_info *e);
/** Title of a problem of this status; the same for every problem of it. */
const char *status_title(int status);
/** Seconds for Retry-After; 0 = none. */
int status_retry_after_s(int status);
#endif
