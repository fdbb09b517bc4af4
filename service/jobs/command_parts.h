/* command_parts: what the files that read a command share: command.c (what all kinds have),
 * command_fields.c (which fields there are),
 * command_board.c (target, layout, backup), command_net.c (wifi, time, mqtt), command_cloud.c
 * (cloud), command_flash.c (flash, read, erase). */
#ifndef SERVICE_JOBS_COMMAND_PARTS_H
#define SERVICE_JOBS_COMMAND_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/base/json_in.h"
#include "service/jobs/command.h"

/* Fields that go together; a kind has a sum of them. */
enum {
    FIELD_ORDER = 1 << 0, /* what every order has: kind, slot, and how it queues */
    FIELD_PROFILE = 1 << 1,
    FIELD_CREDENTIAL = 1 << 2,
    FIELD_TARGET = 1 << 3,
    FIELD_BOARD = 1 << 4, /* layout, purge_key */
    FIELD_METHOD = 1 << 5,
    FIELD_LEVEL = 1 << 6,
    FIELD_CHECK = 1 << 7,
    FIELD_NET = 1 << 8, /* wifi, time, mqtt, host_check */
    FIELD_LINES = 1 << 9,
    FIELD_FIRMWARE = 1 << 10,
    FIELD_FLASH = 1 << 11, /* images, diff, header, allow_unverified */
    FIELD_PLACE = 1 << 12,
    FIELD_OVERWRITE = 1 << 13,
    FIELD_FLASH_BYTES = 1 << 14,
    FIELD_BACKUP = 1 << 15,
    FIELD_CLOUD = 1 << 16,
    /* what a profile may say: nothing of one board or one slot */
    FIELD_SETTINGS = FIELD_TARGET | FIELD_BOARD | FIELD_METHOD | FIELD_CHECK | FIELD_NET |
                     FIELD_FIRMWARE | FIELD_FLASH_BYTES | FIELD_CLOUD,
};
enum { COMMAND_ROWS = 36 };

/* What is read before it is judged; numbers in the width that json_in writes. */
struct command_draft {
    int kind, method, level, check;
    int64_t timeout, priority, deadline, zone, port, scheme, qos, keepalive;
    bool host_check, host_check_given, port_given, wifi_given, mqtt_given;
    json_t *wifi, *time, *mqtt, *lines; /* borrowed, like all below */
    int64_t offset, size, flash_bytes;
    bool partition_given, offset_given, size_given, firmware_given, images_given;
    json_t *images, *overwrite, *header, *cloud;
    bool settings;           /* of a profile: what is missing may be in the order */
    json_t *target, *layout; /* layout: when it is an object; else … */
    int layout_kind;         /* … which of its names, -1 = unsaid */
};

extern const char *const command_kind_names[], *const command_method_names[],
                                                   *const check_level_names[];

/** The sum of what this kind has. */
unsigned command_fields(enum command_kind k);
/** Rows that read the fields of these groups into @p c, whose kind is set, and @p d. */
void command_rows(unsigned groups, const json_t *body, struct command *c, struct command_draft *d,
                  struct json_field out[COMMAND_ROWS]);

/** Not the name of anything that is kept here. @param what  "a credential" */
void command_judge_id(struct field_errors *errors, const char *pointer, const char *id,
                      const char *what);

/** What lies behind "target" and "layout", and whether it goes with the rest. */
void command_read_board(struct command *c, const struct command_draft *d,
                        struct field_errors *errors);

/** What lies behind "cloud", and what is usual with one. @return ERR_OK, ERR_MEM */
enum err command_read_cloud(struct command *c, const struct command_draft *d,
                            struct field_errors *errors);
/** Whose credential is it to be: one that was brought, or one that is made? */
void command_judge_cloud(const struct command *c, struct field_errors *errors);

void command_read_net(struct command *c, struct command_draft *d, struct field_errors *errors);
void command_judge_net(struct command *c, const struct command_draft *d,
                       struct field_errors *errors);

/** What lies behind "images", "overwrite" and "header", and whether it goes together. */
void command_read_flash(struct command *c, const struct command_draft *d,
                        struct field_errors *errors);
/** "partition", "offset" and "size", "whole": one of them. */
void command_read_place(struct command *c, const struct command_draft *d,
                        struct field_errors *errors);
void command_read_overwrite(struct command *c, const struct command_draft *d,
                            struct field_errors *errors);
#endif
