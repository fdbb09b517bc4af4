/* err: the one error model. A fallible function returns enum err; what happened is kept beside it,
 * per thread: a stable code for programs, a sentence for people, what the device said, and what to
 * do about it. Read it on the same thread before the next fallible call. No secret is ever put into
 * it. */
#ifndef SERVICE_BASE_ERR_H
#define SERVICE_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/** Each value names the guilty party and so the next action. */
enum err {
    ERR_OK,
    ERR_ARG,         /* the caller or client sent nonsense */
    ERR_MEM,         /* out of memory */
    ERR_NOT_FOUND,   /* no such thing */
    ERR_CONFLICT,    /* the present state forbids it */
    ERR_BUSY,        /* full, or held by somebody else */
    ERR_TOO_LARGE,   /* over a limit */
    ERR_UNSUPPORTED, /* known, but not possible here */
    ERR_IO,          /* operating system or disk */
    ERR_PORT_GONE,   /* serial port unplugged */
    ERR_TIMEOUT,     /* no answer in time */
    ERR_PROTOCOL,    /* the peer spoke wrongly */
    ERR_DEVICE,      /* the device answered "no" */
    ERR_VERIFY,      /* what was read back differs */
    ERR_CRYPTO,      /* bad certificate or key */
    ERR_NETWORK,     /* host-side network, TLS or MQTT */
    ERR_CLOUD,       /* the cloud answered "no" */
    ERR_CANCELLED,   /* asked to stop */
    ERR_INTERNAL,    /* our bug */
};

struct err_info {
    enum err kind;
    char code[48];    /* stable, snake_case; err_name(kind) unless a better one was given */
    char detail[512]; /* one sentence */
    char device[512]; /* what the device, or the cloud, said, printable; "" = nothing */
    char hint[384];   /* what to do; "" when there is nothing to add */
};

/** Stable name of a kind: "arg", "not_found", "port_gone" … */
const char *err_name(enum err e);

/** Record an error whose code is err_name(@p e), without hint. @return @p e */
enum err err_set(enum err e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Record an error with its own stable @p code and a @p hint (NULL: none). @return @p e */
enum err err_fail(enum err e, const char *code, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** Put "@p fmt: " before the detail of the error of this thread; kind, code and hint stay. @return
 * @p e */
enum err err_wrap(enum err e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Keep what the device said with the error of this thread: bytes that are not printable ASCII are
 *  escaped, and the end is kept when it is too long. @return @p e */
enum err err_device(enum err e, const void *bytes, size_t n);
/** Replace the hint of the error of this thread. @return @p e */
enum err err_hint(enum err e, const char *hint);

/** Is @p e the error of this thread, with this code? */
bool err_is(enum err e, const char *code);
/** The error of this thread; valid until the next err_ call on it. */
const struct err_info *err_last(void);
/** Put back an error that was saved with `struct err_info saved = *err_last()`. @return its kind */
enum err err_restore(const struct err_info *saved);
#endif
