/* port: one open serial port behind operations. The libserialport backend is port_serial.c; tests
 * bring their own. Not thread-safe: one port belongs to one worker thread. */
#ifndef SERVICE_PORT_PORT_H
#define SERVICE_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

struct port;

struct port_ops {
    enum err (*read)(struct port *p, void *out, size_t cap, struct deadline until, size_t *n_out);
    enum err (*write_all)(struct port *p, const void *data, size_t n, struct deadline until);
    enum err (*set_baud)(struct port *p, uint32_t baud);
    enum err (*set_lines)(struct port *p, bool dtr, bool rts);
    enum err (*flush_input)(struct port *p);
    enum err (*drain)(struct port *p, struct deadline until);
    enum err (*reopen)(struct port *p); /* one attempt; NULL: there is no way */
    void (*close)(struct port *p);
};

enum port_direction { PORT_TO_BOARD, PORT_FROM_BOARD };

/** Sees every byte that passes. A secret one comes with data == NULL: only its length is told. */
typedef void (*port_tap_fn)(enum port_direction dir, const uint8_t *data, size_t n, void *arg);

/** First member of every backend. */
struct port {
    const struct port_ops *ops;
    char name[256]; /* path to open, or a label */
    uint32_t baud;  /* present speed */
    struct cancel
        *cancel; /* polled by every read, write and wait; NULL = not cancellable (cleaning up) */
    port_tap_fn tap; /* NULL: nobody listens */
    void *tap_arg;
    bool native_usb;      /* the chip's own USB-Serial/JTAG: it may vanish when the chip is reset */
    int usb_vid, usb_pid; /* -1 when it is not USB, or not known */
    bool holds_dtr;       /* its adapter wants DTR asserted at rest (identity.h) */
    bool gone;            /* it hung up; nothing but port_reopen() helps */
    bool mute;            /* reads are secret too, while set (a key that is read back) */
    uint64_t bytes_out, bytes_in;
};

/** Read what is there, at least one byte. @return ERR_OK, ERR_TIMEOUT, ERR_PORT_GONE (hang-up),
 * ERR_CANCELLED, ERR_IO */
enum err port_read(struct port *p, void *out, size_t cap, struct deadline until, size_t *n_out);
/** Write all. @return as port_read */
enum err port_write(struct port *p, const void *data, size_t n, struct deadline until);
/** Write all; the tap sees only the length. */
enum err port_write_secret(struct port *p, const void *data, size_t n, struct deadline until);
/** @param baud  bits a second, 300…4 000 000. The lines keep their state. */
enum err port_set_baud(struct port *p, uint32_t baud);
/** The same; nothing when the port is at that speed already. */
enum err port_use_baud(struct port *p, uint32_t baud);
/** Both lines in one call; true = asserted (low at the pin). @return ERR_UNSUPPORTED when the port
 * has no lines */
enum err port_set_lines(struct port *p, bool dtr, bool rts);
/** Throw away what was received and not read. */
enum err port_flush_input(struct port *p);
/** Wait until all that was written has left. */
enum err port_drain(struct port *p, struct deadline until);
/** Read and drop until @p quiet_ms pass without a byte (at most until @p until). @return ERR_OK
 * also when nothing came */
enum err port_discard(struct port *p, int quiet_ms, struct deadline until);
/** A port that is gone (or not yet) is closed and opened again by its name, at its present speed,
 * with both lines at rest, as soon as it is there and free.
 *  @return ERR_OK; when @p until passes, why it could not be opened at last (port_serial_open()'s
 * errors, port_gone); ERR_CANCELLED. After an error the port stays gone. */
enum err port_reopen(struct port *p, struct deadline until);
/** The error of a port that hung up. @return ERR_PORT_GONE with code port_gone */
enum err port_say_gone(const struct port *p);
/** Wait, seeing cancel. */
enum err port_pause(struct port *p, int ms);
/** Close and free; NULL allowed. The board is not reset by it (HUPCL is cleared when the port is
 * opened). */
void port_close(struct port *p);
#endif
