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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "esp32c3" from the text that begins with ESP32C3. */
static void copy_chip(char *out, size_t cap, const char *from)
{
    size_t i = 0;
    for (; i + 1 < cap && ((*from >= 'A' && *from <= 'Z') || (*from >= '0' && *from <= '9')); i++)
        out[i] = lower(*from++);
    out[i] = '\0';
}

/* "2.4.0.0(s-4c6eb5e - ESP32 - May 20 2022 03:12:58)"; v2.0 does not name the chip there, but its
 * modules all carry the first one. */
static void find_chip(struct at_info *info, const char *version)
{
    static const char *const esp32[] = {"WROOM-32", "WROVER-32", "PICO-D4", "SOLO-1", "MINI-1"};
    const char *name = strstr(version, " - ESP");
    if (name) copy_chip(info->chip, sizeof info->chip, name + 3);
    for (size_t i = 0; i < sizeof esp32 / sizeof *esp32 && !info->chip[0]; i++)
        if (strcmp(info->module, esp32[i]) == 0) snprintf(info->chip, sizeof info->chip, "esp32");
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
    find_chip(out, at);
    return ERR_OK;
}

enum err at_mac(struct at_client *c, char mac_out[18])
{
    memset(mac_out, 0, 18);
    enum err e = at_command(c, deadline_in_ms(INFO_MS), "AT+CIPSTAMAC?");
    if (e) return e;
    const char *text = at_answer(c, "+CIPSTAMAC:\"", 0);
    size_t n = text ? strspn(text, "0123456789abcdefABCDEF:") : 0;
    if (n != 17 || text[n] != '"')
        return err_fail(ERR_PROTOCOL, "at_bad_answer", "Try again; check the wiring if it stays.",
                        "AT+CIPSTAMAC? was answered without an address");
    for (size_t i = 0; i < n; i++)
        mac_out[i] = lower(text[i]);
    return ERR_OK;
}
