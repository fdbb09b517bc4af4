/* Design: the four lines of AT+GMR are found by their beginnings; firmware of different years has
 * more lines, fewer, or other orders. */
#include "service/at/info.h"

#include <stdio.h>
#include <string.h>

enum { INFO_MS = 5000 };

/* Copy up to one of `stop`. @return what follows, NULL when none of them is there */
static const char *copy_until(char *out, size_t cap, const char *from, const char *stop)
{
    size_t n = strcspn(from, stop);
    snprintf(out, cap, "%.*s", (int)(n < cap ? n : cap), from);
    return from[n] ? from + n + 1 : NULL;
}

enum err at_info(struct at_client *c, struct at_info *out)
{
    memset(out, 0, sizeof *out);
    enum err e = at_command(c, deadline_in_ms(INFO_MS), "AT+GMR");
    if (e) return e;
    const char *at = at_answer(c, "AT version:", 0), *sdk = at_answer(c, "SDK version:", 0);
    const char *bin = at_answer(c, "Bin version:", 0);
    if (!at)
        return err_fail(ERR_PROTOCOL, "at_no_version",
                        "Check that the firmware on the board is ESP-AT.",
                        "AT+GMR was answered without a version");
    copy_until(out->at_version, sizeof out->at_version, at, "(");
    if (sdk) copy_until(out->sdk_version, sizeof out->sdk_version, sdk, "");
    const char *module =
        bin ? copy_until(out->bin_version, sizeof out->bin_version, bin, "(") : NULL;
    if (module) copy_until(out->module, sizeof out->module, module, ")");
    return ERR_OK;
}
