/* limits: every cap on input and growth, in one place. */
#ifndef SERVICE_BASE_LIMITS_H
#define SERVICE_BASE_LIMITS_H

enum {
    LIMIT_JSON_BODY = 256 * 1024,    /* bytes of a JSON request body */
    LIMIT_UPLOAD_BODY = 1024 * 1024, /* bytes of a multipart credential or image upload */
    LIMIT_UPLOAD_PARTS =
        600, /* files in one upload (a 257th item of a type must be refused by name) */
    LIMIT_PEM_BYTES = 128 * 1024,      /* one uploaded file */
    LIMIT_DROP_BODY = 8 * 1024 * 1024, /* bytes of the files of many boards, and of what their
                                          zips unpack to */
    LIMIT_DROP_FILES =
        1024, /* of them, in zips too: certificate, key and CA of 250 boards and more */
    LIMIT_DROP_PIECES = 2048,             /* certificates in them, and keys */
    LIMIT_IMAGE_BYTES = 32 * 1024 * 1024, /* one image */
    LIMIT_FIRMWARE = 64 * 1024 * 1024,    /* bytes of an upload, and of what a zip unpacks to */
    LIMIT_STREAMS = 8,                    /* such uploads that are on their way at a time */
    LIMIT_FLASH_IMAGES = 16,              /* items of one flash job */
    LIMIT_DUMPS = 32,                     /* read results that are kept; the oldest goes */
    LIMIT_DUMP_BYTES = 16 * 1024 * 1024,  /* one of them */
    LIMIT_DISK_FREE = 4 * 1024 * 1024,    /* bytes; with less left it is not ready */
    LIMIT_BACKUPS = 8,                    /* of one partition of a board; the oldest goes */
    LIMIT_BACKUP_BYTES = 1024 * 1024,     /* one of them: a partition */
    LIMIT_AT_LINE = 256,  /* bytes of an AT command with its CR LF (esp-at.md 5.1) */
    LIMIT_QUEUE = 1000,   /* queued jobs of one slot */
    LIMIT_WAITERS = 1000, /* HTTP requests that wait for a job */
    LIMIT_SLOW = 64,      /* HTTP requests that wait for their turn to compute for long */
    LIMIT_WRITES = 1000,  /* HTTP requests that wait for their turn to write */
    LIMIT_CALLS = 16,     /* HTTP requests that wait for their turn to call others */
    LIMIT_CALL_S = 20,    /* longest that one of them takes */
    LIMIT_WAIT_S = 60,    /* longest ?wait= */
    LIMIT_EVENT_STREAMS = 1000,
    LIMIT_ADDRESS_STREAMS = 500,     /* of one client's address, so that it cannot take all */
    LIMIT_HEARTBEAT_S = 15,          /* longest silence of an event stream */
    LIMIT_IDEMPOTENCY_S = 24 * 3600, /* so long an Idempotency-Key is known */
    LIMIT_WEBHOOKS = 32,             /* each may have one delivery on its way */
    LIMIT_URL = 1024,                /* bytes of an address that is called */
    LIMIT_JOB_STEPS = 24,
    LIMIT_JOB_SECONDS = 3600,         /* longest per-job time limit a request may ask for */
    LIMIT_DEADLINE_S = 7 * 24 * 3600, /* farthest deadline of a job, from its acceptance */
    LIMIT_TRANSCRIPT = 128 * 1024,    /* bytes of serial transcript kept for a job */
    LIMIT_KEEP_DAYS =
        90, /* jobs that have ended, with all that is known of them, and events; --keep-days */
    LIMIT_TOKENS = 1000, /* tokens, also those that have ended: one page of a list */
    LIMIT_PAGE = 1000,   /* items of one list answer */
};
#endif
