/* steps: one function per step of a job. Each finds what the steps before it left in the session.
 */
#ifndef SERVICE_JOBS_STEPS_H
#define SERVICE_JOBS_STEPS_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/* step_rom.c: through the ROM loader */
enum err step_rom_identify(struct session *s); /* chip and MAC */
enum err step_rom_details(struct session *s);  /* flash, revision, crystal */
enum err step_rom_layout(struct session *s);   /* from the board's own tables */
enum err step_rom_write(struct session *s);
enum err step_rom_verify(struct session *s);
enum err step_rom_reset(
    struct session *s); /* leave the loader; wait for the firmware where there is an AT port */

/* step_at.c: through AT commands */
enum err step_at_identify(struct session *s);
enum err step_at_layout(struct session *s);
enum err step_at_write(struct session *s);
enum err step_at_verify(struct session *s);
enum err step_at_reset(struct session *s);
enum err step_at_lines(struct session *s);
/** Which ESP-AT is on the board; a board that does not answer is no failure here. */
enum err step_firmware(struct session *s);

/* step_images.c */
enum err
step_credential(struct session *s); /* the stored credential, key unsealed, dates judged again */
enum err step_images(struct session *s);

/* step_check.c: the board's own checks */
enum err step_mqtt_names(struct session *s); /* no step of its own: fills in client id and topic */
enum err step_wifi(struct session *s);
enum err step_time(struct session *s);
enum err step_connect(struct session *s);
enum err step_subscribe(struct session *s);
enum err step_publish(struct session *s);

/* step_host.c, step_record.c */
enum err step_host_check(struct session *s);
enum err step_record(struct session *s);
/** What step_record does, for a job that failed before it came to it: what was tried is kept too.
 */
void record_failure(struct session *s);
#endif
