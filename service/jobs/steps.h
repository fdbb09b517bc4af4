/* steps: one function per step of a job. Each finds what the steps before it left in the session.
 */
#ifndef SERVICE_JOBS_STEPS_H
#define SERVICE_JOBS_STEPS_H

#include "service/base/err.h"
#include "service/jobs/session.h"

/* step_rom.c: through the ROM loader */
enum err step_rom_identify(struct session *s); /* chip and MAC */
enum err step_rom_details(struct session *s);  /* flash, revision, crystal, security */
enum err step_rom_board(struct session *s);    /* both */
enum err step_rom_look(struct session *s);     /* its tables, whatever there is */
enum err step_rom_layout(struct session *s);   /* the same, for a write: it must be ESP-AT */
enum err step_rom_reset(
    struct session *s); /* leave the loader; wait for the firmware where there is an AT port */

/* step_write.c: the session's images, through the ROM loader */
enum err step_rom_write(struct session *s);
enum err step_rom_verify(struct session *s);

/* step_present.c: what is on the board before it is changed */
enum err step_rom_images(struct session *s); /* step_images(), with what is there now at hand */
enum err step_backup(struct session *s);
/** Will something be changed that was read, since it holds more than the credential? */
bool needs_backup(const struct session *s);
enum err step_restore_place(struct session *s); /* the backup, and where it goes */
/** Is it of this partition, in its present place? */
bool backup_is_of(const struct backup_record *b, const struct partition *p);
/** No step of its own: from now on the board has neither what it had nor what it shall have, until
 * that is proved; said here, and on the board's record. */
enum err write_begins(struct session *s);

/* step_plan.c, step_flash.c, step_boot.c: whole firmwares and images */
enum err step_plan(struct session *s);
enum err step_diff(struct session *s);
enum err step_flash_write(struct session *s);
enum err step_flash_verify(struct session *s);
/** Does the loader tell what is in the flash? Not in secure download mode; yes before it was met.
 */
bool flash_proves(const struct session *s);
/** Is what is there to be left alone? */
bool flash_compares(const struct session *s);
/** Hear in the boot text whether the firmware starts. */
enum err step_boot(struct session *s);
/** Wait for ESP-AT, and say which it is. */
enum err step_flashed_firmware(struct session *s);
/** Was the board reset, and is its boot text on a port of its own? */
bool flash_hears_boot(const struct session *s);
/** Is what was planned ESP-AT, on a slot whose AT port can tell when it is up? */
bool flash_hears_at(const struct session *s);
/** And was the board reset, so that it will? */
bool flash_hears_ready(const struct session *s);

/* step_place.c, step_read.c, step_erase.c */
enum err step_read_place(struct session *s);
enum err step_read(struct session *s);
enum err step_erase_place(struct session *s);
enum err step_erase(struct session *s);

/* step_at.c: through AT commands */
enum err step_at_identify(struct session *s);
enum err step_at_layout(struct session *s);
enum err step_at_reset(struct session *s);
enum err step_at_lines(struct session *s);
/** Which ESP-AT is on the board; a board that does not answer is no failure here. */
enum err step_firmware(struct session *s);

/* step_at_write.c: the credential, through AT commands, in either layout */
enum err step_at_images(struct session *s);
enum err step_at_write(struct session *s);
enum err step_at_verify(struct session *s);

/* step_images.c */
/** No step of its own: the images of the job's credential for the board's layout. @param now  as
 * image_set_build() takes it */
enum err images_build(struct session *s, const struct image_source *now);
enum err
step_credential(struct session *s); /* the stored credential, key unsealed, dates judged again */
enum err step_images(struct session *s);
enum err step_purge(struct session *s); /* the private key, out of the vault */

/* step_check.c: the board's own checks */
enum err step_mqtt_names(struct session *s); /* no step of its own: fills in client id and topic */
enum err check_configure(struct session *s); /* the same: sets up the board's MQTT client */
/** AT+MQTTCONN. @return as at_mqtt_connect() */
enum err check_connect(struct session *s, struct deadline until);
enum err step_wifi(struct session *s);
enum err step_time(struct session *s);
enum err step_network(struct session *s);
enum err step_tls(struct session *s);
enum err step_connect(struct session *s);
enum err step_subscribe(struct session *s);
enum err step_publish(struct session *s);
enum err step_received(struct session *s);

/* step_register.c: a thing of its own at the cloud */
enum err step_register(struct session *s);
/** Has this job registered it, so that the certificate waits to be activated? */
bool must_activate(const struct session *s);
enum err step_activate(struct session *s);
/** The job has failed, and its board is left: take away what step_register() made, as a step of its
 * own. What cannot be taken away now is left to the keeper, and the job's error tells of it. */
void register_take_back(struct session *s, const struct err_info *failed);
/** For a check that names a cloud: which thing is the board, and where is its broker? */
enum err step_cloud(struct session *s);

/* step_host.c, step_record.c */
/** The same as seen from this machine, into s->evidence and the result.
 *  @param one  NULL where the scheme needs none
 *  @return ERR_OK, also when the check found something; ERR_CANCELLED; ERR_MEM, ERR_ARG */
enum err host_check(struct session *s, const struct credential *one);
enum err step_host_check(struct session *s);
enum err step_record(struct session *s);
/** The credential on the board is about to go: its record says so before the first byte, whatever
 * becomes of the job. */
enum err record_credential_goes(struct session *s);
/** Was the job's credential the last one that was written to this board? */
bool record_has_credential(const struct session *s);
/** What step_record does, for a job that failed before it came to it: what was tried is kept too.
 */
void record_failure(struct session *s);
#endif
