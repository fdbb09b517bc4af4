#include "service/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct err_info last;

const char *err_name(enum err e)
{
    switch (e) {
    case ERR_OK:
        return "ok";
    case ERR_ARG:
        return "arg";
    case ERR_MEM:
        return "mem";
    case ERR_NOT_FOUND:
        return "not_found";
    case ERR_CONFLICT:
        return "conflict";
    case ERR_BUSY:
        return "busy";
    case ERR_TOO_LARGE:
        return "too_large";
    case ERR_UNSUPPORTED:
        return "unsupported";
    case ERR_IO:
        return "io";
    case ERR_PORT_GONE:
        return "port_gone";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_PROTOCOL:
        return "protocol";
    case ERR_DEVICE:
        return "device";
    case ERR_VERIFY:
        return "verify";
    case ERR_CRYPTO:
        return "crypto";
    case ERR_CLOUD:
        return "cloud";
    case ERR_NETWORK:
        return "network";
    case ERR_CANCELLED:
        return "cancelled";
    case ERR_INTERNAL:
        return "internal";
    }
    return "internal";
}

static void start(enum err e, const char *code, const char *hint)
{
    memset(&last, 0, sizeof last);
    last.kind = e;
    snprintf(last.code, sizeof last.code, "%s", code);
    snprintf(last.hint, sizeof last.hint, "%s", hint ? hint : "");
}

enum err err_fail(enum err e, const char *code, const char *hint, const char *fmt, ...)
{
    /* The arguments may point into the error that is being replaced, so they are printed before it
     * goes. */
    char detail[sizeof last.detail], code_copy[sizeof last.code], hint_copy[sizeof last.hint];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    snprintf(code_copy, sizeof code_copy, "%s", code);
    snprintf(hint_copy, sizeof hint_copy, "%s", hint ? hint : "");
    start(e, code_copy, hint_copy);
    memcpy(last.detail, detail, sizeof detail);
    return e;
}

enum err err_set(enum err e, const char *fmt, ...)
{
    char detail[sizeof last.detail];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(detail, sizeof detail, fmt, ap);
    va_end(ap);
    return err_fail(e, err_name(e), NULL, "%s", detail);
}

enum err err_wrap(enum err e, const char *fmt, ...)
{
    char head[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    char whole[sizeof head + sizeof last.detail + 2];
    snprintf(whole, sizeof whole, "%s: %s", head, last.detail);
    snprintf(last.detail, sizeof last.detail, "%.*s", (int)sizeof last.detail - 1, whole);
    return e;
}

enum err err_device(enum err e, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    char out[4 * 1024];
    size_t len = 0;
    /* The end tells most: skip what cannot fit even unescaped. */
    if (n > sizeof last.device - 1) p += n - (sizeof last.device - 1), n = sizeof last.device - 1;
    for (size_t i = 0; i < n && len + 5 < sizeof out; i++) {
        if (p[i] == '\r') continue;
        if (p[i] == '\n' || (p[i] >= 0x20 && p[i] < 0x7f))
            out[len++] = (char)p[i];
        else
            len += (size_t)snprintf(out + len, 5, "\\x%02x", (unsigned)p[i]);
    }
    size_t skip = len > sizeof last.device - 1 ? len - (sizeof last.device - 1) : 0;
    memcpy(last.device, out + skip, len - skip);
    last.device[len - skip] = '\0';
    return e;
}

enum err err_hint(enum err e, const char *hint)
{
    snprintf(last.hint, sizeof last.hint, "%s", hint);
    return e;
}

bool err_is(enum err e, const char *code)
{
    return e && last.kind == e && strcmp(last.code, code) == 0;
}

const struct err_info *err_last(void)
{
    return &last;
}

enum err err_restore(const struct err_info *saved)
{
    if (saved != &last) last = *saved;
    return last.kind;
}
