#include "service/port/identity.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bridge bridges[] = {
    {0x303a, 0x1001, "USB-Serial/JTAG", BRIDGE_NATIVE},
    {0x303a, 0x0002, "USB-OTG", BRIDGE_PLAIN}, /* loader of the S2 */
    {0x303a, 0x0009, "USB-OTG", BRIDGE_PLAIN}, /* of the S3 */
    {0x303a, 0x0012, "USB-OTG", BRIDGE_PLAIN}, /* of the P4 */
    {0x303a, 0x4001, "TinyUSB", BRIDGE_PLAIN},
    {0x10c4, 0xea60, "CP210x", BRIDGE_PLAIN},
    {0x10c4, 0xea64, "CP2102C", BRIDGE_HOLDS_DTR},
    {0x10c4, 0xea70, "CP2105", BRIDGE_PLAIN},
    {0x10c4, 0xea71, "CP2108", BRIDGE_PLAIN},
    {0x1a86, 0x7523, "CH340", BRIDGE_PLAIN},
    {0x1a86, 0x7522, "CH340K", BRIDGE_PLAIN},
    {0x1a86, 0x5523, "CH341", BRIDGE_PLAIN},
    {0x1a86, 0x55d2, "CH342", BRIDGE_PLAIN},
    {0x1a86, 0x55d3, "CH343", BRIDGE_PLAIN},
    {0x1a86, 0x55d4, "CH9102", BRIDGE_PLAIN},
    {0x0403, 0x6001, "FT232R", BRIDGE_PLAIN},
    {0x0403, 0x6010, "FT2232H", BRIDGE_PLAIN},
    {0x0403, 0x6011, "FT4232H", BRIDGE_PLAIN},
    {0x0403, 0x6014, "FT232H", BRIDGE_PLAIN},
    {0x0403, 0x6015, "FT231X", BRIDGE_PLAIN},
    {0x067b, 0x2303, "PL2303", BRIDGE_PLAIN},
};

const struct bridge *identity_bridge(int vid, int pid)
{
    static const struct bridge unknown = {-1, -1, "", BRIDGE_PLAIN};
    for (size_t i = 0; i < sizeof bridges / sizeof bridges[0]; i++)
        if (bridges[i].vid == vid && bridges[i].pid == pid) return &bridges[i];
    return &unknown;
}

static bool links_to(const char *dir, const char *name, const char *device)
{
    char path[512], target[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path) return false;
    return realpath(path, target) && !strcmp(target, device);
}

bool identity_link(const char *dir, const char *device, char *out, size_t cap)
{
    struct dirent **names;
    bool found = false;
    out[0] = '\0';
    int n = scandir(dir, &names, NULL, alphasort);
    if (n < 0) return false;
    for (int i = 0; i < n; i++) {
        if (!found && names[i]->d_name[0] != '.' && links_to(dir, names[i]->d_name, device)) {
            int len = snprintf(out, cap, "%s", names[i]->d_name);
            found = len > 0 && (size_t)len < cap; /* a name that was cut is no name */
            if (!found) out[0] = '\0';
        }
        free(names[i]);
    }
    free(names);
    return found;
}

static size_t span_of(const char *s, const char *chars, size_t *at)
{
    size_t n = strspn(s + *at, chars);
    *at += n;
    return n;
}

/* "1-1.4:1.0": bus and ports, configuration and interface. */
static bool is_interface(const char *s, size_t *device_n, unsigned *interface)
{
    static const char digits[] = "0123456789", ports[] = "0123456789.";
    size_t at = 0;
    if (!span_of(s, digits, &at) || s[at++] != '-' || !span_of(s, ports, &at)) return false;
    *device_n = at;
    if (s[at++] != ':' || !span_of(s, digits, &at) || s[at++] != '.') return false;
    *interface = (unsigned)strtoul(s + at, NULL, 10);
    return span_of(s, digits, &at) > 0;
}

bool identity_usb_path(const char *sysfs_path, char *out, size_t cap)
{
    out[0] = '\0';
    bool found = false;
    for (const char *s = sysfs_path; *s;) {
        size_t n = strcspn(s, "/"), device_n;
        unsigned interface;
        if (is_interface(s, &device_n, &interface)) {
            /* The last one: below hubs, the path goes through theirs. */
            int len = snprintf(out, cap, "usb-%.*s:if%02u", (int)device_n, s, interface);
            found = len > 0 && (size_t)len < cap;
        }
        s += n;
        s += strspn(s, "/");
    }
    if (!found) out[0] = '\0';
    return found;
}
