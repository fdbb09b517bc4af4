/* hotplug: tells when serial ports may have come or gone. */
#ifndef SERVICE_PORT_HOTPLUG_H
#define SERVICE_PORT_HOTPLUG_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"

struct hotplug; /* opaque */

/** Called on a thread of its own after each change, and never concurrently; changes that follow
 * each other within a few milliseconds are told once. May take locks, but not call hotplug_stop().
 * @param others  false: the same ports as before are there, as far as can be seen */
typedef void (*hotplug_changed_fn)(bool others, void *arg);

/** Watch what udev (or, without it, the kernel) says of terminals, and the folders that @p globs
 * lead into, also those that are not there yet. Which ports came and went is logged. Where neither
 * can be watched, they are looked at every second.
 *  @param globs  borrowed until hotplug_stop()
 *  @return ERR_OK; ERR_MEM, ERR_IO: nothing was started */
enum err hotplug_start(const char *const *globs, size_t glob_count, hotplug_changed_fn changed,
                       void *arg, struct hotplug **out);
/** Ends the thread; no call comes afterwards. NULL allowed. */
void hotplug_stop(struct hotplug *h);
#endif
