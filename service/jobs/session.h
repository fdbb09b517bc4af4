/* session: what the steps of one job share: open ports, the loader or the AT client on them, what
 * is known of the board. Whatever happens, session_close() leaves the board reset and running and
 * the ports free. */
#ifndef SERVICE_JOBS_SESSION_H
#define SERVICE_JOBS_SESSION_H

#include <stdbool.h>

#include "service/at/client.h"
#include "service/at/uart.h"
#include "service/base/err.h"
#include "service/flash/flasher.h"
#include "service/jobs/context.h"
#include "service/jobs/place.h"
#include "service/jobs/verdict.h"
#include "service/pki/credential.h"
#include "service/pki/image.h"
#include "service/pki/layout.h"
#include "service/port/port.h"
#include "service/store/registrations.h"

struct plan;

struct session {
    struct job_context *ctx;
    struct port *download,
        *at;                 /* the same one when the slot has one port for both; NULL = not open */
    struct flasher *flasher; /* not NULL: the board may be in its ROM loader */
    struct at_client *client;
    bool leaving;   /* session_close() has begun: the job's cancel flag counts no more */
    bool hurry;     /* … because the service ends */
    bool was_reset; /* by this job, through EN: silence has other reasons now */
    bool at_cut;    /* an AT exchange was broken off: the board may wait for bytes, or be busy */
    struct at_uart uart; /* fast != 0: the AT port may be at that speed (at_speed.h) */
    bool at_slow;        /* a faster one did not work */
    bool mqtt_touched;   /* the board's MQTT client is configured or connected */
    bool wifi_touched;   /* the board has joined the bench's Wi-Fi */
    bool wifi_kept;      /* … and is to know it from now on */

    char mac[18], chip[16];          /* "" = not known yet */
    char client_id[257], topic[129]; /* templates of the command, filled in; "" = not yet */
    char thing[THING_NAME];          /* as it is registered; "" = it is not, by this job */
    uint32_t flash_bytes;            /* 0 = nobody had to know */
    struct partition_table primary;  /* of the board; count 0 = none, or not known */
    struct layout layout;
    struct credential *credential;
    struct image_set images;
    struct target_place places[TARGET_PARTS]; /* in mfg_nvs, by enum credential_part: instead of
                                                 images where AT commands write */
    struct plan *plan;                        /* of a flash job; NULL = not made yet */
    struct place place;                       /* of a read or an erase */
    bool place_has_credential;
    bool identical; /* the images were on the board before */
    bool verified;  /* the images are on the board, proved by it */
    int at_retries; /* images written again through AT */
    struct wire_start {
        uint64_t out, in;         /* bytes of the port */
        uint64_t written, erased; /* bytes of flash */
        unsigned commands, retries;
        int64_t ns;
    } wire;               /* when a transfer began: wire.h */
    bool credential_gone; /* the board's credential was erased, and none is there */
    struct registration_record registration; /* at the cloud; id "" = none */
    bool broker_is_clouds;                   /* mqtt.host is what the cloud said */
    bool must_undo; /* it was made by this job, which is to leave nothing behind if it fails */
    struct check_evidence evidence; /* of the check, and the step that it failed in */
    struct err_info connect_error;  /* kind ERR_OK: none. Found in the step "tls", told in
                                       "connect" */
    int64_t connected_ns;           /* when the board's MQTT client was connected */
    struct buf log;                 /* what the board logged on the download port */
};

void session_open(struct session *s, struct job_context *ctx);
/** @return ERR_OK, or the first error of leaving the board running (the job had succeeded until
 * then) */
enum err session_close(struct session *s);

/** Close the ports, and forget who was on them: one of them is gone. */
void session_drop_ports(struct session *s);
/** The download port, open. @return port_serial_open()'s errors; ERR_ARG with code
 * slot_has_no_download_port */
enum err session_download(struct session *s, struct port **out);
/** The AT port, open. @return the same; ERR_ARG with code slot_has_no_at_port */
enum err session_at_port(struct session *s, struct port **out);
/** The AT client, in step with the board (at_client_start()). A board that is silent or busy is
 * reset once, where the slot can. */
enum err session_client(struct session *s, struct at_client **out);
/** After a reset through EN: wait until the firmware answers. @return at_client_wait_ready()'s
 * errors */
enum err session_await_boot(struct session *s);
/** Reset the board out of its loader; without a flasher nothing is to be done. */
enum err session_leave_loader(struct session *s);
/** AT+RST, and wait until the firmware answers again. */
enum err session_at_reset(struct session *s);
/** Pull EN by the download port's lines: the board boots its firmware. @return session_download()'s
 * errors; ERR_UNSUPPORTED with code slot_reset_none or port_no_lines */
enum err session_hard_reset(struct session *s);
/** @p ms from now, but not beyond the job's own time limit. */
struct deadline session_within(const struct session *s, int64_t ms);
/** An AT exchange that s->at_cut was set for ended with @p e: it was broken off, unless the board
 * itself said no.
 * @return @p e */
enum err session_ended(struct session *s, enum err e);
/** Take the board's MQTT client off the broker, if it may be there. @return at_mqtt_clean()'s
 * errors */
enum err session_off_broker(struct session *s, struct deadline until);
/** MAC without colons, as templates want it: "240ac4123456". @return ERR_OK; ERR_NOT_FOUND when no
 * step has learned it */
enum err session_mac_digits(const struct session *s, char out[13]);
/** The job's method with auto resolved: the ROM loader where the slot has a download port, else AT;
 * a check is always AT's. */
enum command_method session_method(const struct job_context *ctx);

/** Set result[key] = value; takes the reference. */
void session_result(struct session *s, const char *key, json_t *value);
/** The progress callback of flasher and AT transfers: @p arg is the session. */
void session_progress(size_t done_bytes, size_t total_bytes, void *arg);
#endif
