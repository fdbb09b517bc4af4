/* url: may this address be called? Pure. Read strictly, so that nobody who reads it after us finds
 * another host in it. */
#ifndef SERVICE_BASE_URL_H
#define SERVICE_BASE_URL_H

#include <stdbool.h>

/** https://HOST[:PORT][/…], or http:// where HOST is this machine: localhost, 127.x.y.z or [::1].
 *  What a job's end tells is nobody else's business on the way.
 *  @param[out] local_out  HOST is this machine; NULL allowed
 *  @return NULL when it may, else the reason, as words behind "it " */
const char *url_refusal(const char *url, bool *local_out);
#endif
