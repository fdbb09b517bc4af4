/* wipe: memory that libraries release is cleared first. They keep copies of keys and passwords for
 * a while (a parsed key, a request's text) and most give them back as they are: into the next core
 * file, or the next allocation. */
#ifndef SERVICE_BASE_WIPE_H
#define SERVICE_BASE_WIPE_H

#include <stddef.h>

/** free() of all that was allocated, cleared. NULL allowed. */
void wipe_free(void *p);
/** realloc() that leaves no copy behind. */
void *wipe_realloc(void *p, size_t n);
/** Have OpenSSL do so everywhere: in espgate and in the libraries that use it. Call it before
 * anything else of OpenSSL's; later it does nothing. */
void wipe_openssl(void);
#endif
