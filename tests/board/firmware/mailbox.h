/* mailbox: the one thing that the board's loop and the MQTT thread share. Messages go one way; an
 * eventfd is readable while there are any. */
#ifndef TESTS_BOARD_FIRMWARE_MAILBOX_H
#define TESTS_BOARD_FIRMWARE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mail {
    int kind;
    int qos;
    bool retain;
    char *topic;   /* NULL: none */
    uint8_t *data; /* NULL: none */
    size_t n;
    struct mail *next;
};

struct mailbox;

struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *b); /* NULL allowed; drops what was not taken */
/** The eventfd to wait on. */
int mailbox_fd(const struct mailbox *b);
/** A copy of @p m goes in. @return false when there is no memory for it */
bool mailbox_put(struct mailbox *b, const struct mail *m);
/** The oldest message, the caller's now: mail_free() it. NULL when there is none. */
struct mail *mailbox_take(struct mailbox *b);
void mail_free(struct mail *m);
#endif
