/* folders: the folders that globs lead into, watched for names that come and go (inotify). */
#ifndef SERVICE_PORT_FOLDERS_H
#define SERVICE_PORT_FOLDERS_H

#include <stdbool.h>
#include <stddef.h>

/** A descriptor for folders_watch(), readable when a name changed; -1 when there is none to be had
 * (errno). Close it with close(). */
int folders_open(void);
/** Watch the folder of @p pattern, or each that its wildcards lead to; of one that is not there,
 * the nearest folder above that is. To be called again after each change: what is watched already
 * stays so. */
void folders_watch(int fd, const char *pattern);
/** Throw away what @p fd has to say. @return whether it said anything */
bool folders_drain(int fd);
#endif
