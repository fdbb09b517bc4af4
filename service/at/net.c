/* Design: a connection of its own, opened and closed at once, without a byte in it. The firmware
 * does not say why one fails; but who refuses does so within a round trip, and who is not there
 * makes the board wait. */
#include "service/at/net.h"

#include "service/base/limits.h"

#include <stdio.h>
#include <string.h>

enum {
    MODE_MS = 5000,
    CLOSE_MS = 5000,
    REFUSED_MS = 3000 /* the first SYN is repeated after so long: until then somebody answered */
};

static enum err unsupported(const char *command)
{
    return err_fail(ERR_UNSUPPORTED, "net_unsupported", NULL, "the firmware on the board has no %s",
                    command);
}

/* @param port  0: it was only about the name */
static enum err failed(const char *code, const char *hint, const char *host, int port)
{
    struct err_info said = *err_last();
    enum err e =
        port ? err_fail(ERR_DEVICE, code, hint, "the board gets no connection to %s:%d", host, port)
             : err_fail(ERR_DEVICE, code, hint, "the board does not find %s", host);
    return err_device(e, said.device, strlen(said.device));
}

/* It may still be at it: the next command waits for the end. */
static enum err hangs(const char *host)
{
    return err_fail(ERR_TIMEOUT, "net_hangs", "Check host and port, and the firewalls on the way.",
                    "the board neither finds %s nor gives up", host);
}

enum err at_net_resolve(struct at_client *c, const char *host, struct deadline until,
                        char address_out[AT_ADDRESS])
{
    address_out[0] = '\0';
    struct buf name;
    buf_init(&name, LIMIT_AT_LINE);
    enum err e = at_quote(host, &name);
    if (!e) e = at_command(c, until, "AT+CIPDOMAIN=\"%s\"", buf_str(&name));
    buf_dispose(&name);
    if (e && at_is_unknown_command(c)) return unsupported("AT+CIPDOMAIN");
    if (err_is(e, "at_timeout")) return hangs(host);
    if (e && at_was_refused(c))
        return failed("net_dns_failed",
                      "Check the name, and the name server of the board's "
                      "network.",
                      host, 0);
    const char *text = e ? NULL : at_answer(c, "+CIPDOMAIN:", 0);
    if (!text) return e;
    if (*text == '"') text++; /* some releases quote it */
    snprintf(address_out, AT_ADDRESS, "%.*s", (int)strcspn(text, "\""), text);
    return ERR_OK;
}

static enum err open_tcp(struct at_client *c, const char *host, int port, struct deadline until)
{
    struct buf name;
    buf_init(&name, LIMIT_AT_LINE);
    enum err e = at_quote(host, &name);
    if (!e) e = at_command(c, until, "AT+CIPSTART=\"TCP\",\"%s\",%d", buf_str(&name), port);
    buf_dispose(&name);
    return e;
}

enum err at_net_connect(struct at_client *c, const char *host, int port, struct deadline until)
{
    /* The command has another form where several connections are allowed. */
    enum err e = at_command(c, deadline_within_ms(until, MODE_MS), "AT+CIPMUX=0");
    if (e && !at_was_refused(c)) return e;
    int64_t began_ns = deadline_now_ns();
    e = open_tcp(c, host, port, until);
    int64_t ms = (deadline_now_ns() - began_ns) / 1000000;
    if (!e) {
        e = at_command(c, deadline_within_ms(until, CLOSE_MS), "AT+CIPCLOSE");
        return at_was_refused(c) ? ERR_OK : e; /* the other side was faster */
    }
    if (at_is_unknown_command(c)) return unsupported("AT+CIPSTART");
    if (err_is(e, "at_timeout")) return hangs(host);
    if (!at_was_refused(c)) return e;
    if (ms < REFUSED_MS)
        return failed("net_refused", "Check host and port, and that a broker listens there.", host,
                      port);
    return failed("net_silent", "Check host and port, and the firewalls on the way.", host, port);
}
