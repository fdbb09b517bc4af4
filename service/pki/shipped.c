/* Design: a row is a run of releases for which a module's second table stayed the same; the table
 * itself is one of layout_stock.c. What was released at all stands in a list of its own, so that a
 * release that never was is not taken for one. */
#include "service/pki/shipped.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V(a, b, c) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8)
#define MASTER     UINT32_MAX /* what will follow v5.0.1.0 */

static const uint32_t releases[] = {
    V(1, 0, 0), V(1, 1, 0), V(1, 1, 1), V(1, 1, 2), V(1, 1, 3), V(1, 2, 0), V(2, 0, 0),
    V(2, 1, 0), V(2, 2, 0), V(2, 3, 0), V(2, 4, 0), V(2, 4, 1), V(2, 4, 2), V(3, 0, 0),
    V(3, 1, 0), V(3, 2, 0), V(3, 2, 1), V(3, 3, 0), V(3, 3, 1), V(3, 4, 0), V(4, 0, 0),
    V(4, 1, 0), V(4, 1, 1), V(5, 0, 0), V(5, 0, 1), MASTER,
};

/* Names without the chip's; with a star: whatever follows. */
static const struct module {
    const char *chip, *name, *also;
} modules[] = {
    {"esp32", "WROOM-32", "WROOM-32* PICO* SOLO-1* MINI-1* DEFAULT ESP32"},
    {"esp32", "WROVER-32", "WROVER*"},
    {"esp32", "ESP32-D2WD", "D2WD"},
    {"esp32", "ESP32-SDIO", "SDIO"},
    {"esp32s2", "ESP32S2-MINI", "MINI* DEFAULT ESP32S2"},
    {"esp32c2", "ESP32C2-4MB", "4MB DEFAULT"},
    {"esp32c2", "ESP32C2-4MB-G2", "4MB-G2"},
    {"esp32c2", "ESP32C2-2MB", "2MB"},
    {"esp32c2", "ESP32C2-2MB-G2", "2MB-G2"},
    {"esp32c2", "ESP32C2-2MB-BLE", "2MB-BLE"},
    {"esp32c2", "ESP32C2-2MB-BLE-G2", "2MB-BLE-G2"},
    {"esp32c2", "ESP32C2-BLE-2MB", "BLE-2MB"},
    {"esp32c2", "ESP32C2-BLE-2MB-G2", "BLE-2MB-G2"},
    {"esp32c2", "ESP32C2-2MB-NO-OTA-G2", "2MB-NO-OTA-G2"},
    {"esp32c3", "ESP32C3-MINI-1", "MINI-1* WROOM-02* DEFAULT ESP32C3"},
    {"esp32c3", "ESP32C3-SPI", "SPI"},
    {"esp32c3", "ESP32C3-RAINMAKER", "RAINMAKER"},
    {"esp32c5", "ESP32C5-4MB", "4MB DEFAULT ESP32C5"},
    {"esp32c5", "ESP32C5-SDIO", "SDIO"},
    {"esp32c5", "ESP32C5-SPI", "SPI"},
    {"esp32c6", "ESP32C6-4MB", "4MB DEFAULT ESP32C6"},
    {"esp32c61", "ESP32C61-4MB", "4MB DEFAULT ESP32C61"},
};
enum { MODULES = sizeof modules / sizeof *modules };

static const struct row {
    const char *module, *stock;
    uint32_t first, last;
} rows[] = {
    {"WROOM-32", "esp32-v1.0", V(1, 0, 0), V(1, 1, 2)},
    {"WROOM-32", "esp32-v1.1.3", V(1, 1, 3), V(1, 2, 0)},
    {"WROOM-32", "esp32-v2", V(2, 0, 0), V(3, 0, 0)},
    {"WROOM-32", "esp32-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"WROOM-32", "esp32-nvs-fs", MASTER, MASTER},
    {"WROVER-32", "esp32-v2", V(2, 0, 0), V(3, 0, 0)},
    {"WROVER-32", "esp32-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"WROVER-32", "esp32-nvs-fs", MASTER, MASTER},
    {"ESP32-D2WD", "esp32-d2wd-v2", V(2, 2, 0), V(3, 0, 0)},
    {"ESP32-D2WD", "esp32-d2wd-nvs", V(3, 1, 0), MASTER},
    {"ESP32-SDIO", "esp32-v2", V(2, 4, 0), V(3, 0, 0)},
    {"ESP32-SDIO", "esp32-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"ESP32-SDIO", "esp32-nvs-fs", MASTER, MASTER},
    {"ESP32S2-MINI", "esp32s2-v2", V(2, 1, 0), V(2, 2, 0)},
    {"ESP32S2-MINI", "esp32s2-nvs", V(3, 4, 0), V(3, 4, 0)},
    {"ESP32S2-MINI", "esp32s2-nvs", V(4, 1, 0), V(5, 0, 1)},
    {"ESP32S2-MINI", "esp32s2-nvs-fs", MASTER, MASTER},
    {"ESP32C2-4MB", "esp32c2-4mb-v3.0", V(3, 0, 0), V(3, 0, 0)},
    {"ESP32C2-4MB", "esp32c2-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"ESP32C2-4MB", "esp32c2-nvs-fs", MASTER, MASTER},
    {"ESP32C2-4MB-G2", "esp32c2-nvs", V(3, 3, 1), V(3, 3, 1)},
    {"ESP32C2-4MB-G2", "esp32c2-nvs", V(4, 1, 0), V(5, 0, 1)},
    {"ESP32C2-4MB-G2", "esp32c2-nvs-fs", MASTER, MASTER},
    {"ESP32C2-2MB", "esp32c2-2mb-v3.0", V(3, 0, 0), V(3, 0, 0)},
    {"ESP32C2-2MB", "esp32c2-2mb-nvs", V(3, 1, 0), MASTER},
    {"ESP32C2-2MB-G2", "esp32c2-2mb-nvs", V(3, 3, 1), V(3, 3, 1)},
    {"ESP32C2-2MB-G2", "esp32c2-2mb-nvs", V(4, 1, 0), MASTER},
    {"ESP32C2-2MB-BLE", "esp32c2-2mb-nvs", V(4, 1, 0), MASTER},
    {"ESP32C2-2MB-BLE-G2", "esp32c2-2mb-nvs", V(4, 1, 0), MASTER},
    {"ESP32C2-BLE-2MB", "esp32c2-2mb-nvs", V(3, 3, 0), V(3, 4, 0)},
    {"ESP32C2-BLE-2MB-G2", "esp32c2-2mb-nvs", V(3, 3, 1), V(3, 3, 1)},
    {"ESP32C2-2MB-NO-OTA-G2", "esp32c2-nvs", V(4, 1, 0), V(5, 0, 1)},
    {"ESP32C2-2MB-NO-OTA-G2", "esp32c2-nvs-fs", MASTER, MASTER},
    {"ESP32C3-MINI-1", "esp32c3-v2", V(2, 2, 0), V(3, 0, 0)},
    {"ESP32C3-MINI-1", "esp32c3-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"ESP32C3-MINI-1", "esp32c3-nvs-fs", MASTER, MASTER},
    {"ESP32C3-SPI", "esp32c3-v2", V(2, 4, 0), V(3, 0, 0)},
    {"ESP32C3-SPI", "esp32c3-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"ESP32C3-SPI", "esp32c3-nvs-fs", MASTER, MASTER},
    {"ESP32C3-RAINMAKER", "esp32c3-rainmaker-v3.0", V(3, 0, 0), V(3, 0, 0)},
    {"ESP32C3-RAINMAKER", "esp32c3-rainmaker-nvs", V(3, 1, 0), V(5, 0, 1)},
    {"ESP32C3-RAINMAKER", "esp32c3-rainmaker-nvs-fs", MASTER, MASTER},
    {"ESP32C5-4MB", "esp32c5-v4-nvs", V(4, 1, 0), V(4, 1, 1)},
    {"ESP32C5-4MB", "esp32c5-nvs", V(5, 0, 0), V(5, 0, 1)},
    {"ESP32C5-4MB", "esp32c5-nvs-fs", MASTER, MASTER},
    {"ESP32C5-SDIO", "esp32c5-nvs", V(5, 0, 0), V(5, 0, 1)},
    {"ESP32C5-SDIO", "esp32c5-nvs-fs", MASTER, MASTER},
    {"ESP32C5-SPI", "esp32c5-nvs", V(5, 0, 0), V(5, 0, 1)},
    {"ESP32C5-SPI", "esp32c5-nvs-fs", MASTER, MASTER},
    {"ESP32C6-4MB", "esp32c6-nvs", V(3, 2, 0), V(5, 0, 1)},
    {"ESP32C6-4MB", "esp32c6-nvs-fs", MASTER, MASTER},
    {"ESP32C61-4MB", "esp32c61-nvs", V(5, 0, 0), V(5, 0, 1)},
    {"ESP32C61-4MB", "esp32c61-nvs-fs", MASTER, MASTER},
};
enum { ROWS = sizeof rows / sizeof *rows, LIST = 400 }; /* all modules have room in a list */

/* ---- which module ---- */

/* "module_esp32-c3_default" becomes "ESP32C3-DEFAULT". */
static void tidy(const char *name, char *out, size_t cap)
{
    size_t n = 0;
    if (!strncasecmp(name, "module", 6)) name += 6 + (name[6] == '_' || name[6] == '-');
    for (; *name && n + 1 < cap; name++)
        out[n++] = (char)(*name == '_' || *name == ' ' ? '-' : toupper((unsigned char)*name));
    out[n] = '\0';
    bool chip = !strncmp(out, "ESP32-", 6) && isalpha((unsigned char)out[6]) &&
                isdigit((unsigned char)out[7]);
    if (chip && out[6] != 'D') memmove(out + 5, out + 6, n - 5); /* the D2WD is an ESP32 */
}

static bool fits_one(const char *pattern, size_t n, const char *name)
{
    if (n && pattern[n - 1] == '*') return strncmp(pattern, name, n - 1) == 0;
    return strlen(name) == n && strncmp(pattern, name, n) == 0;
}

static bool fits(const struct module *m, const char *name)
{
    size_t chip = strlen(m->chip);
    if (!strncasecmp(name, m->chip, chip) && name[chip] == '-') name += chip + 1;
    for (const char *p = m->also; *p;) {
        size_t n = strcspn(p, " ");
        if (fits_one(p, n, name)) return true;
        p += n + strspn(p + n, " ");
    }
    return false;
}

/* Add a word to a list, as long as there is room. */
static void list_add(char list[LIST], const char *word)
{
    size_t n = strlen(list);
    snprintf(list + n, LIST - n, "%s%s", n ? ", " : "", word);
}

static enum err no_module(const char *module, const char *several)
{
    char all[LIST] = "";
    if (*several)
        return err_fail(ERR_ARG, "module_ambiguous", "Put the chip's name before it.",
                        "\"%.40s\" can be %s", module, several);
    for (size_t i = 0; i < MODULES; i++)
        list_add(all, modules[i].name);
    return err_fail(ERR_ARG, "module_unknown",
                    "Write it as AT+GMR or its marking says it, with the chip's name before it.",
                    "no ESP-AT release is known for a module \"%.40s\"; there are: %s", module,
                    all);
}

/* @param chip  "" or the only one that may be meant */
static const struct module *find(const char *name, const char *chip, char several[LIST])
{
    const struct module *found = NULL;
    size_t n = 0;
    several[0] = '\0';
    for (size_t i = 0; i < MODULES; i++) {
        const struct module *m = &modules[i];
        if (!fits(m, name) || (*chip && strcmp(chip, m->chip) != 0)) continue;
        found = m;
        n++;
        list_add(several, m->name);
    }
    if (n == 1) several[0] = '\0';
    return n == 1 ? found : NULL;
}

static enum err find_module(const char *module, const char *chip, const struct module **out)
{
    char name[48] = "", several[LIST], here[LIST];
    tidy(module, name, sizeof name);
    *out = find(name, "", several);
    if (!*out && *several && *chip) *out = find(name, chip, here);
    return *out ? ERR_OK : no_module(module, several);
}

/* ---- which release ---- */

/* Two to four numbers; the last one has never meant anything. @return what follows, NULL: none */
static const char *parse_version(const char *text, uint32_t *out)
{
    unsigned shift = 32;
    *out = 0;
    if (*text == 'v' || *text == 'V') text++;
    for (; isdigit((unsigned char)*text) && shift; text++) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);
        if (n > 255) return NULL;
        shift -= 8;
        *out |= (uint32_t)n << shift;
        text = end;
        if (*text != '.') break;
    }
    return shift <= 16 ? text : NULL;
}

/* @return 0 when there was none like it */
static uint32_t find_release(const char *text)
{
    uint32_t version;
    if (!strcasecmp(text, "master")) return MASTER;
    const char *rest = parse_version(text, &version);
    if (!rest || (*rest && strncasecmp(rest, "_esp32", 6) != 0)) return 0;
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++)
        if (releases[i] == version) return version;
    return 0;
}

static void version_text(uint32_t v, char out[20])
{
    if (v == MASTER)
        snprintf(out, 20, "master");
    else
        snprintf(out, 20, "v%u.%u.%u.0", v >> 24, v >> 16 & 0xff, v >> 8 & 0xff);
}

static enum err no_release(const struct module *m, const char *release)
{
    char all[LIST] = "", first[20], last[20], run[48];
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].module, m->name) != 0) continue;
        version_text(rows[i].first, first);
        version_text(rows[i].last, last);
        snprintf(run, sizeof run, "%s to %s", first, last);
        list_add(all, rows[i].first == rows[i].last ? first : run);
    }
    return err_fail(ERR_ARG, "release_unknown", "Name one of these, e.g. v3.4.0.0.",
                    "no ESP-AT release \"%.40s\" is known for %s; there are: %s", release, m->name,
                    all);
}

static void take_stock(const struct module *m, const char *name, uint32_t version,
                       struct layout *out)
{
    char release[20];
    size_t n;
    const struct layout_stock *stock = layout_stock_list(m->chip, &n);
    while (strcmp(stock->name, name) != 0)
        stock++; /* a test sees to it that each row names one */
    *out = stock->layout;
    version_text(version, release);
    snprintf(out->source, sizeof out->source, "ESP-AT %s for %s", release, m->name);
}

enum err shipped_layout(const char *module, const char *release, const char *chip,
                        struct layout *out)
{
    const struct module *m;
    enum err e = find_module(module, chip, &m);
    if (e) return e;
    uint32_t version = find_release(release);
    for (size_t i = 0; version && i < ROWS; i++) {
        const struct row *r = &rows[i];
        if (strcmp(r->module, m->name) != 0 || version < r->first || version > r->last) continue;
        take_stock(m, r->stock, version, out);
        return ERR_OK;
    }
    return no_release(m, release);
}

bool shipped_key_may_trouble(const char *key_type)
{
    return strncmp(key_type, "RSA", 3) != 0;
}

const char *shipped_key_trouble(const char *version, const char *key_type)
{
    uint32_t v;
    bool fails = parse_version(version, &v) && v >= V(3, 0, 0) && v < V(3, 3, 0);
    if (!fails || !shipped_key_may_trouble(key_type)) return NULL;
    return "ESP-AT v3.0 to v3.2 cannot use an EC private key: the TLS handshake fails. Flash v3.3 "
           "or newer, or take an RSA key.";
}
